"use strict";
// The question table, and the draws of each question.
(() => {
  const { byId, el, folded } = LoridDom;
  const { fill } = LoridText;
  const runEl = byId("run"), systemEl = byId("system"), verdictEl = byId("verdict-is"), subjectEl = byId("subject");
  const CODES = { c: "correct", w: "wrong", n: "no_answer", u: "ungradable" };
  let runs = [];

  const run = () => Number(runEl.value || 0);
  const system = () => Number(systemEl.value || 0);

  // What the chosen system says to a question in the chosen run, or null.
  function said(row) {
    const r = row.runs[run()], name = runs[0].systems[system()];
    const at = r ? runs[run()].systems.indexOf(run() ? like(name) : name) : -1;
    if (at < 0 || r.s[at] === "-") return null;
    return { v: CODES[r.s[at]], a: r.ai[at] < 0 ? null : r.as[r.ai[at]], loop: at === 0 };
  }

  // The name of a system of the first run in the chosen one, where K or T may differ.
  function like(name) {
    const names = runs[run()].systems;
    if (name === runs[0].system && names.includes(runs[run()].system)) return runs[run()].system;
    if (names.includes(name)) return name;
    const kind = name.split("@")[0];
    return /^(maj-|early-stop-)/.test(name) && names.find((n) => n.startsWith(kind + "@"));
  }

  const right = (r) => Boolean(r) && r.v === "correct";
  const was = (r) => r.was || [r.how, r.v]; // before an answer was withheld
  const tests = {
    all: () => true,
    wrong: (row) => { const s = said(row); return Boolean(s) && s.v !== "correct"; },
    differ: (row, r) => r.differ,
    false: (row, r) => was(r)[0] === "consensus" && was(r)[1] === "wrong",
    none: (row, r) => was(r)[0] === "fallback" || was(r)[0] === "none",
  };

  function passes(row, name) {
    if (name === "across") return new Set(row.runs.map((r) => r && r.v)).size > 1;
    if (name === "first") return right(row.runs[0]) && row.runs[1] && !right(row.runs[1]);
    if (name === "second") return right(row.runs[1]) && row.runs[0] && !right(row.runs[0]);
    return name === "all" || (Boolean(row.runs[run()]) && tests[name](row, row.runs[run()]));
  }

  function matches(row, needle) {
    if (subjectEl.value && row.subject !== subjectEl.value) return false;
    const s = said(row);
    if (verdictEl.value && (!s || s.v !== verdictEl.value)) return false;
    return !needle || row.text.includes(needle) || Boolean(s && s.a && s.a.toLowerCase().includes(needle));
  }

  const verdictName = (v) => ({ no_answer: "no answer" })[v] || v;
  const chip = (v) => el("span", "chip " + v, verdictName(v));

  function how(r) {
    if (r.how === "consensus") return "round " + r.r;
    return r.how === "fallback" || r.how === "none" ? "no consensus" : r.how;
  }

  function face(row) {
    const r = row.runs[run()], s = said(row);
    const differs = s && s.v !== "correct" ? "  (reference " + row.g + ")" : "";
    return [
      s ? chip(s.v) : el("span", "chip", r ? "not drawn" : "not in this run"),
      fill(el("span", "q"), row.q),
      el("span", "a", s ? (s.a === null ? "none" : s.a) + differs : row.g),
      el("span", "r", s && s.loop ? how(r) : ""),
    ];
  }

  function detail(trace, row) {
    const parts = [fill(el("div", "problem"), trace.q)];
    const gold = el("p", "meta", "Reference answer: ");
    gold.append(fill(el("span"), trace.g), (row.tags ? " · " + row.tags : "") + " · " + row.id.slice(0, 12));
    parts.push(gold);
    if (trace.rationale.length) parts.push(folded("Reference solution", fill(el("pre"), trace.rationale)));
    if (trace.knowledge.length) {
      const rules = el("ol", "rules");
      rules.append(...trace.knowledge.map((rule) => fill(el("li"), rule)));
      parts.push(folded("Knowledge in the dataset", rules));
    }
    const columns = el("div", trace.runs.length > 1 ? "columns" : "");
    trace.runs.forEach((one, i) => columns.append(ofRun(one, i, trace.runs.length > 1)));
    parts.push(columns);
    return parts;
  }

  function ofRun(one, i, named) {
    const box = el("div");
    if (named) box.append(el("h4", "", runs[i].name));
    if (!one) {
      box.append(el("p", "meta", "This question is not in this run."));
      return box;
    }
    if (one.decision) {
      const d = one.decision, line = el("p", "decided");
      line.append(el("b", "", runs[i].system + ": "), el("span", "", (d.a === null ? "none" : d.a) + " "), chip(d.v), el("span", "meta", "  " + d.way));
      box.append(line);
    }
    const looked = one.decision ? one.decision.n : {}, stop = one.decision ? one.decision.r : Infinity;
    const isLate = (role, r) => r.seed === one.seed && r.round > (looked[role === "kg" ? "dr" : role] ?? stop);
    const late = el("div", "draws");
    for (const r of one.rounds) {
      const roles = ["ir", "kg", "dr", "ks", "ird"].filter((role) => r[role]);
      const name = "Round " + r.round + (r.seed !== one.seed ? " · seed " + r.seed : "");
      for (const role of roles) if (isLate(role, r)) late.append(draw(r[role], role.toUpperCase() + " · " + name.toLowerCase()));
      const grid = el("div", "draws");
      for (const role of roles) if (!isLate(role, r)) grid.append(draw(r[role], role.toUpperCase()));
      if (grid.children.length) box.append(el("h4", "", name), grid);
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
    box.append(top, fill(el("pre"), d.t));
    return box;
  }

  function filter(name, label) {
    const button = el("button");
    button.type = "button";
    button.dataset.filter = name;
    button.append(label + " ", el("span", "count"));
    document.querySelector(".filters").append(button);
  }

  function choice() {
    runEl.hidden = false;
    runs.forEach((r, i) => runEl.append(new Option(r.name, String(i))));
    filter("across", "Runs differ");
    if (runs.length !== 2) return;
    filter("first", "Only " + runs[0].name + " right");
    filter("second", "Only " + runs[1].name + " right");
  }

  function options(select, first, values) {
    select.append(new Option(first, ""));
    for (const [value, label] of values) select.append(new Option(label, value));
    select.hidden = values.length < 2;
  }

  function begin(index) {
    runs = index.runs;
    if (runs.length > 1) choice();
    runs[0].systems.forEach((name, i) => systemEl.append(new Option(name, String(i))));
    systemEl.hidden = runs[0].systems.length < 2;
    options(verdictEl, "Any verdict", Object.values(CODES).map((v) => [v, verdictName(v)]));
    const subjects = [...new Set(index.rows.map((r) => r.subject))].filter(Boolean).sort();
    options(subjectEl, "Any subject", subjects.map((s) => [s, s]));
    for (const r of index.rows) r.text = [LoridText.plain(r.q), r.g, r.id, r.tags].join("\n").toLowerCase();
    return index.rows;
  }

  LoridRows.show({
    what: "questions", one: "This question", css: "asked", begin, passes, face,
    nothing: "No question matches: empty the search, or choose another filter.",
    find: (needle) => (row) => matches(row, needle),
    inside: async (row) => detail((await LoridRows.block(row.c))[row.i], row),
    keys: { x: LoridText.toggleSource }, kept: ["run", "system"],
  });
})();
