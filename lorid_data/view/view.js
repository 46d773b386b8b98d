"use strict";
// The rows of a dataset folder. Texts are set as text; they are opened block by block.
(() => {
  const PAGE = 40, PER_BLOCK = 50;
  const byId = (id) => document.getElementById(id);
  const rowsEl = byId("rows"), statusEl = byId("status"), searchEl = byId("search");
  const SELECTS = ["reason", "flag", "subject"];
  const opened = new Map();
  let index = [], texts = null, shown = [], filter = "all", start = 0;

  const el = (tag, css, text) => {
    const node = document.createElement(tag);
    if (css) node.className = css;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  };

  async function unpack(id) {
    const bytes = Uint8Array.from(atob(byId(id).textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  function block(n) {
    if (!opened.has(n)) opened.set(n, unpack("t" + n));
    return opened.get(n);
  }

  const tests = {
    all: () => true,
    kept: (r) => r.state === "kept",
    rejected: (r) => r.state !== "kept",
    flagged: (r) => r.flags.length > 0,
  };

  const chosen = (id) => byId(id).value;
  function selected(row) {
    return (!chosen("reason") || row.reason === chosen("reason")) && (!chosen("flag") || row.flags.includes(chosen("flag"))) &&
      (!chosen("subject") || row.subject === chosen("subject"));
  }

  async function refresh() {
    const needle = searchEl.value.trim().toLowerCase();
    if (needle && !texts) texts = await unpack("texts");
    if (needle !== searchEl.value.trim().toLowerCase()) return; // typed on meanwhile
    const found = index.filter((row) => selected(row) && (!needle || texts[row.n].includes(needle)));
    for (const button of document.querySelectorAll("[data-filter]")) {
      const name = button.dataset.filter;
      button.setAttribute("aria-pressed", String(name === filter));
      button.querySelector(".count").textContent = found.filter(tests[name]).length;
    }
    shown = found.filter(tests[filter]);
    start = 0;
    list();
  }

  function list() {
    rowsEl.replaceChildren(...shown.slice(start, start + PAGE).map(item));
    const end = Math.min(start + PAGE, shown.length);
    statusEl.textContent = shown.length ? shown.length + " of " + index.length + " rows" : "No row matches: empty the search, or choose another filter.";
    byId("where").textContent = shown.length ? start + 1 + "–" + end + " of " + shown.length : "";
    byId("previous").disabled = start === 0;
    byId("next").disabled = end >= shown.length;
  }

  const words = (name) => name.replaceAll("_", " ");
  const TONE = { kept: "correct", drop: "wrong" };

  function item(row) {
    const li = el("li"), button = el("button", "row seen"), marks = el("span", "marks");
    button.type = "button";
    button.dataset.id = row.id;
    button.setAttribute("aria-expanded", "false");
    if (row.reason) marks.append(el("span", "chip wrong", words(row.reason)));
    marks.append(...row.flags.map((f) => el("span", "chip ungradable", words(f))));
    button.append(
      el("span", "chip " + (TONE[row.state] || "ungradable"), row.state),
      row.q ? el("span", "q", row.q) : el("span", "q gone", row.detail || row.id),
      el("span", "a", row.a), marks,
    );
    button.addEventListener("click", () => toggle(li, button, row));
    li.append(button);
    return li;
  }

  async function toggle(li, button, row) {
    if (button.getAttribute("aria-expanded") === "true") {
      button.setAttribute("aria-expanded", "false");
      li.querySelector(".detail").remove();
      return;
    }
    button.setAttribute("aria-expanded", "true");
    const box = el("div", "detail");
    li.append(box);
    try {
      box.append(...detail((await block(Math.floor(row.n / PER_BLOCK)))[row.n % PER_BLOCK], row));
    } catch (error) {
      box.append(el("p", "note", "This row cannot be opened: " + error.message));
    }
  }

  function pairs(found) {
    const box = el("dl");
    for (const [name, value] of found) box.append(el("dt", "", words(name)), el("dd", "mono", value));
    return box;
  }

  function folded(name, node) {
    const box = el("details");
    box.append(el("summary", "", name), node);
    return box;
  }

  function part(name, ...nodes) {
    const box = el("div");
    box.append(el("h4", "", name), ...nodes);
    return box;
  }

  function rules(t) {
    if (!t.knowledge.length) return el("p", "meta", "No rules.");
    const box = el("ol");
    box.append(...t.knowledge.map((rule, i) => {
      const flagged = t.flags.some((f) => f.rule === i + 1);
      return LoridText.fill(el("li", flagged ? "flagged" : ""), rule);
    }));
    return box;
  }

  function detail(t, row) {
    const parts = [];
    if (t.sentence) {
      const why = el("div", "why");
      why.append(el("p", "", t.sentence));
      if (t.detail) why.append(el("p", "meta", t.detail));
      if (t.evidence) why.append(el("pre", "", t.evidence));
      parts.push(why);
    }
    for (const f of t.flags) {
      const line = el("p", "meta");
      line.append(el("span", "chip ungradable", words(f.check)), (f.rule ? " rule " + f.rule : "") + (f.evidence ? ": " + f.evidence : ""));
      parts.push(line);
    }
    if (t.question) {
      const columns = el("div", "columns three"), answer = el("p", "meta", "Answer: "), said = el("b");
      LoridText.fill(said, t.answer);
      answer.append(said);
      columns.append(
        part("Question", LoridText.fill(el("div", "problem"), t.question)), part("Knowledge", rules(t)),
        part("Solution", LoridText.fill(el("div", "problem"), t.rationale), answer),
      );
      parts.push(columns);
    } else parts.push(el("p", "meta", "The texts of this row are not in this folder."));
    parts.push(folded("Where it comes from", pairs([...t.about, ...t.provenance])));
    return parts;
  }

  function options(id, name, values) {
    const counts = new Map();
    for (const v of values) if (v) counts.set(v, (counts.get(v) || 0) + 1);
    const select = byId(id);
    select.append(new Option("Any " + name, ""));
    for (const [v, n] of [...counts].sort((a, b) => b[1] - a[1])) select.append(new Option(`${words(v)} (${n})`, v));
    select.hidden = counts.size === 0 || (id === "subject" && counts.size < 2);
    select.addEventListener("change", refresh);
  }

  function move(step) {
    const all = [...rowsEl.querySelectorAll(".row")];
    const at = all.findIndex((b) => b.parentElement.contains(document.activeElement));
    const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
    if (next) next.focus();
  }

  function turn(step) {
    if (step < 0 ? start === 0 : start + PAGE >= shown.length) return;
    start += step * PAGE;
    list();
    byId("rows-section").scrollIntoView();
  }

  function clear() {
    searchEl.value = "";
    searchEl.blur();
    refresh();
  }

  function onKey(event) {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      const li = document.activeElement.closest && document.activeElement.closest(".rows > li");
      const button = li && li.querySelector(".row[aria-expanded=true]");
      if (button) { button.click(); button.focus(); } else if (typing) clear();
      return;
    }
    if (typing) return;
    if (event.key === "/") { event.preventDefault(); searchEl.focus(); }
    else if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
    else if (event.key === "n" || event.key === "p") turn(event.key === "n" ? 1 : -1);
    else if (event.key === "x") LoridText.toggleSource();
  }

  async function begin() {
    if (typeof DecompressionStream === "undefined") {
      statusEl.textContent = "This browser cannot open the rows: it has no DecompressionStream.";
      return;
    }
    index = await unpack("index");
    index.forEach((row, n) => { row.n = n; });
    options("reason", "reason", index.map((r) => r.reason));
    options("flag", "flag", index.flatMap((r) => r.flags));
    options("subject", "subject", index.map((r) => r.subject));
    for (const button of document.querySelectorAll("[data-filter]")) {
      button.addEventListener("click", () => { filter = button.dataset.filter; refresh(); });
    }
    searchEl.addEventListener("input", refresh);
    byId("previous").addEventListener("click", () => turn(-1));
    byId("next").addEventListener("click", () => turn(1));
    document.addEventListener("keydown", onKey);
    await refresh();
    document.documentElement.dataset.ready = "true";
  }

  begin().catch((error) => { statusEl.textContent = "The rows cannot be opened: " + error.message; });
})();
