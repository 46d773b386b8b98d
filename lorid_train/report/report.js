"use strict";
// The question table. Texts are set as text, never as HTML; draws are opened when asked for.
(() => {
  const PAGE = 40;
  const byId = (id) => document.getElementById(id);
  const rowsEl = byId("rows"), statusEl = byId("status"), searchEl = byId("search"), runEl = byId("run");
  const opened = new Map();
  let index = null, shown = [], filter = "all", run = 0, start = 0;

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

  function chunk(n) {
    if (!opened.has(n)) opened.set(n, unpack("t" + n));
    return opened.get(n);
  }

  const tests = {
    all: () => true,
    wrong: (r) => r.v !== "correct",
    differ: (r) => r.differ,
    false: (r) => r.how === "consensus" && r.v === "wrong",
    none: (r) => r.how === "fallback" || r.how === "none",
    across: () => true,
  };

  function passes(row, name) {
    if (name === "across") return new Set(row.runs.map((r) => r && r.v)).size > 1;
    if (name === "all") return true;
    return Boolean(row.runs[run]) && tests[name](row.runs[run]);
  }

  function matches(row, needle) {
    if (!needle) return true;
    const r = row.runs[run];
    const text = row.q + "\n" + row.g + "\n" + row.id + "\n" + row.tags + "\n" + ((r && r.a) || "");
    return text.toLowerCase().includes(needle);
  }

  const verdictName = (v) => ({ no_answer: "no answer" })[v] || v;
  const chip = (v) => el("span", "chip " + v, verdictName(v));

  function refresh() {
    const needle = searchEl.value.trim().toLowerCase();
    const found = index.rows.filter((row) => matches(row, needle));
    for (const button of document.querySelectorAll("[data-filter]")) {
      const name = button.dataset.filter;
      button.setAttribute("aria-pressed", String(name === filter));
      button.querySelector(".count").textContent = found.filter((row) => passes(row, name)).length;
    }
    shown = found.filter((row) => passes(row, filter));
    start = 0;
    list();
  }

  function list() {
    rowsEl.replaceChildren(...shown.slice(start, start + PAGE).map(item));
    const end = Math.min(start + PAGE, shown.length);
    statusEl.textContent = shown.length + " of " + index.rows.length + " questions";
    byId("where").textContent = shown.length ? start + 1 + "–" + end + " of " + shown.length : "";
    byId("previous").disabled = start === 0;
    byId("next").disabled = end >= shown.length;
  }

  function how(r) {
    if (r.how === "consensus") return "round " + r.r;
    return r.how === "fallback" || r.how === "none" ? "no consensus" : r.how;
  }

  function item(row) {
    const li = el("li"), button = el("button", "row"), r = row.runs[run];
    button.type = "button";
    button.dataset.id = row.id;
    button.setAttribute("aria-expanded", "false");
    button.append(
      r ? chip(r.v) : el("span", "chip", "not in this run"),
      el("span", "q", row.q),
      el("span", "a", r ? (r.a === null ? "none" : r.a) + (r.v === "correct" ? "" : "  (gold " + row.g + ")") : row.g),
      el("span", "r", r ? how(r) : ""),
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
      const trace = (await chunk(row.c))[row.i];
      box.append(...detail(trace, row));
    } catch (error) {
      box.append(el("p", "note", "These draws cannot be opened: " + error.message));
    }
  }

  function folded(name, node) {
    const box = el("details");
    box.append(el("summary", "", name), node);
    return box;
  }

  function detail(trace, row) {
    const parts = [el("p", "problem", trace.q)];
    parts.push(el("p", "meta", "Gold answer: " + trace.g + (row.tags ? " · " + row.tags : "") + " · " + row.id.slice(0, 12)));
    if (trace.rationale) parts.push(folded("Reference solution", el("pre", "", trace.rationale)));
    if (trace.knowledge.length) {
      parts.push(folded("Knowledge in the dataset", el("pre", "", trace.knowledge.join("\n"))));
    }
    const columns = el("div", trace.runs.length > 1 ? "columns" : "");
    trace.runs.forEach((one, i) => columns.append(ofRun(one, i, trace.runs.length > 1)));
    parts.push(columns);
    return parts;
  }

  function ofRun(one, i, named) {
    const box = el("div");
    if (named) box.append(el("h4", "", index.runs[i].name));
    if (!one) {
      box.append(el("p", "meta", "This question is not in this run."));
      return box;
    }
    if (one.decision) {
      const d = one.decision, line = el("p", "decided");
      const way = d.agreed ? "agreed in round " + d.r : d.how === "none" ? "no consensus in " + d.r + " rounds" : "no consensus in " + d.r + " rounds, fallback";
      line.append(el("b", "", index.runs[i].system + ": "), el("span", "", (d.a === null ? "none" : d.a) + " "), chip(d.v), el("span", "meta", "  " + way));
      box.append(line);
    }
    const stop = one.decision ? one.decision.r : Infinity;
    const late = el("div", "draws");
    for (const r of one.rounds) {
      const roles = ["ir", "kg", "dr", "ks", "ird"].filter((role) => r[role]);
      const name = "Round " + r.round + (r.seed !== one.seed ? " · seed " + r.seed : "");
      if (r.round > stop && r.seed === one.seed) {
        for (const role of roles) late.append(draw(r[role], role.toUpperCase() + " · " + name.toLowerCase()));
        continue;
      }
      const grid = el("div", "draws");
      for (const role of roles) grid.append(draw(r[role], role.toUpperCase()));
      box.append(el("h4", "", name), grid);
    }
    if (late.children.length) box.append(folded("After the stop: " + late.children.length + " draws, for voting", late));
    if (one.single.length) {
      box.append(el("h4", "", "Greedy"));
      const grid = el("div", "draws");
      for (const d of one.single) grid.append(draw(d, d.role.toUpperCase() + (d.condition === "greedy" ? "" : " · " + d.condition)));
      box.append(grid);
    }
    return box;
  }

  function draw(d, name) {
    const box = el("article", "draw " + d.role), top = el("div", "top");
    top.append(el("b", "", name));
    if (d.v) top.append(chip(d.v), el("span", "said", d.a === null ? "" : d.a));
    top.append(el("span", "cost", d.n + " tokens" + (d.finish === "stop" ? "" : ", " + d.finish)));
    top.append(el("span", "cost", "seed " + d.s));
    box.append(top, el("pre", "", d.t));
    return box;
  }

  function move(step) {
    const all = [...rowsEl.querySelectorAll(".row")];
    const at = all.findIndex((b) => b === document.activeElement || b.parentElement.contains(document.activeElement));
    const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
    if (next) next.focus();
  }

  function turn(step) {
    start = Math.max(0, start + step * PAGE);
    list();
    byId("questions").scrollIntoView();
  }

  function onKey(event) {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      const li = document.activeElement.closest && document.activeElement.closest(".rows > li");
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
      statusEl.textContent = "This browser cannot open the questions: it has no DecompressionStream.";
      return;
    }
    index = await unpack("index");
    if (index.runs.length > 1) {
      runEl.hidden = false;
      index.runs.forEach((r, i) => runEl.append(new Option(r.name, String(i))));
      runEl.addEventListener("change", () => { run = Number(runEl.value); refresh(); });
      const across = el("button");
      across.type = "button";
      across.dataset.filter = "across";
      across.append("Runs differ ", el("span", "count"));
      document.querySelector(".filters").append(across);
    }
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

  begin().catch((error) => { statusEl.textContent = "The questions cannot be opened: " + error.message; });
})();
