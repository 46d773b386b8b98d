"use strict";
// The table of rows. Texts are set as text, never as HTML; a row's texts are opened when asked for.
(() => {
  const PAGE = 40;
  const byId = (id) => document.getElementById(id);
  const rowsEl = byId("rows"), statusEl = byId("status"), searchEl = byId("search");
  const opened = new Map();
  let index = null, shown = [], filter = "all", start = 0;

  const el = (tag, css, text) => {
    const node = document.createElement(tag);
    if (css) node.className = css;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  };
  const tone = (name) => document.querySelector(`[data-filter="${name}"]`).dataset.tone;
  const words = (name) => name.replaceAll("_", " ");

  async function unpack(id) {
    const bytes = Uint8Array.from(atob(byId(id).textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  function block(n) {
    if (!opened.has(n)) opened.set(n, unpack("t" + n));
    return opened.get(n);
  }

  const passes = (row, name) => name === "all" || row.checks.includes(name);

  function refresh() {
    const needle = searchEl.value.trim().toLowerCase();
    const found = index.filter((r) => !needle || r.text.includes(needle));
    for (const button of document.querySelectorAll("[data-filter]")) {
      const name = button.dataset.filter;
      button.setAttribute("aria-pressed", String(name === filter));
      button.querySelector(".count").textContent = found.filter((r) => passes(r, name)).length;
    }
    shown = found.filter((r) => passes(r, filter));
    start = 0;
    list();
  }

  function list() {
    rowsEl.replaceChildren(...shown.slice(start, start + PAGE).map(item));
    const end = Math.min(start + PAGE, shown.length);
    statusEl.textContent = shown.length + " of " + index.length + " rows";
    byId("where").textContent = shown.length ? start + 1 + "–" + end + " of " + shown.length : "";
    byId("previous").disabled = start === 0;
    byId("next").disabled = end >= shown.length;
  }

  function item(row) {
    const li = el("li"), button = el("button", "row found"), marks = el("span", "marks");
    button.type = "button";
    button.dataset.id = row.id;
    button.setAttribute("aria-expanded", "false");
    const checks = row.checks.filter((c) => c !== "to_read");
    for (const c of checks) marks.append(el("span", "chip " + tone(c), words(c)));
    if (!checks.length) marks.append(el("span", "chip", "nothing found"));
    button.append(el("span", "q", row.q), marks);
    button.addEventListener("click", () => toggle(li, button, row));
    li.append(button);
    return li;
  }

  async function toggle(li, button, row) {
    if (button.getAttribute("aria-expanded") === "true") {
      button.setAttribute("aria-expanded", "false");
      const box = li.querySelector(".detail");
      if (box) box.remove();
      return;
    }
    button.setAttribute("aria-expanded", "true");
    const box = el("div", "detail");
    li.append(box);
    try {
      box.append(...detail((await block(row.b))[row.i], row));
    } catch (error) {
      box.append(el("p", "note", "This row cannot be opened: " + error.message));
    }
  }

  function evidence([check, text]) {
    const line = el("p", "evidence");
    line.append(el("span", "chip " + tone(check), words(check)), el("span", "", " " + text));
    return line;
  }

  function rules(texts) {
    const box = el("ol", "rules");
    for (const rule of texts.rules) {
      const li = el("li", rule.flags.some(([check]) => tone(check) === "wrong") ? "flagged" : "");
      li.append(el("span", "", rule.text), ...rule.flags.map(evidence));
      box.append(li);
    }
    return texts.rules.length ? box : el("p", "meta", "No rules.");
  }

  function detail(texts, row) {
    const columns = el("div", "columns three");
    const parts = [
      ["Question", el("p", "problem", texts.q)],
      ["Knowledge", rules(texts)],
      ["Solution, answer " + texts.answer, el("pre", "", texts.rationale)],
    ];
    for (const [name, node] of parts) {
      const box = el("div");
      box.append(el("h4", "", name), node);
      columns.append(box);
    }
    const about = [texts.about, "knowledge: " + texts.teacher, row.id.slice(0, 12)].filter(Boolean).join(" · ");
    return [...texts.flags.map(evidence), columns, el("p", "meta", about)];
  }

  function move(step) {
    const all = [...rowsEl.querySelectorAll(".row")];
    const at = all.findIndex((b) => b.parentElement.contains(document.activeElement));
    const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
    if (next) next.focus();
  }

  function turn(step) {
    start = Math.max(0, start + step * PAGE);
    list();
    byId("rows-section").scrollIntoView();
  }

  function onKey(event) {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      const li = document.activeElement.closest(".rows > li");
      const button = li && li.querySelector(".row[aria-expanded=true]");
      if (button) { button.click(); button.focus(); } else if (typing) { searchEl.value = ""; refresh(); searchEl.blur(); }
    } else if (!typing && event.key === "/") {
      event.preventDefault();
      searchEl.focus();
    } else if (!typing && (event.key === "j" || event.key === "k")) {
      move(event.key === "j" ? 1 : -1);
    }
  }

  async function begin() {
    if (typeof DecompressionStream === "undefined") {
      statusEl.textContent = "This browser cannot open the rows: it has no DecompressionStream.";
      return;
    }
    index = await unpack("index");
    for (const r of index) r.text = (r.q + "\n" + r.search + "\n" + r.id).toLowerCase();
    for (const button of document.querySelectorAll("[data-filter]")) {
      button.addEventListener("click", () => { filter = button.dataset.filter; refresh(); });
    }
    searchEl.addEventListener("input", refresh);
    byId("previous").addEventListener("click", () => turn(-1));
    byId("next").addEventListener("click", () => turn(1));
    document.addEventListener("keydown", onKey);
    refresh();
    document.documentElement.dataset.ready = "true";
  }

  begin().catch((error) => { statusEl.textContent = "The rows cannot be opened: " + error.message; });
})();
