"use strict";
// The question table, and the draws of each question.
(() => {
  const { byId, el, folded } = LoridDom;
  const runEl = byId("run");
  let runs = [], run = 0;

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

  function how(r) {
    if (r.how === "consensus") return "round " + r.r;
    return r.how === "fallback" || r.how === "none" ? "no consensus" : r.how;
  }

  function face(row) {
    const r = row.runs[run];
    return [
      r ? chip(r.v) : el("span", "chip", "not in this run"),
      el("span", "q", row.q),
      el("span", "a", r ? (r.a === null ? "none" : r.a) + (r.v === "correct" ? "" : "  (gold " + row.g + ")") : row.g),
      el("span", "r", r ? how(r) : ""),
    ];
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
    if (named) box.append(el("h4", "", runs[i].name));
    if (!one) {
      box.append(el("p", "meta", "This question is not in this run."));
      return box;
    }
    if (one.decision) {
      const d = one.decision, line = el("p", "decided");
      const way = d.agreed ? "agreed in round " + d.r : d.how === "none" ? "no consensus in " + d.r + " rounds" : "no consensus in " + d.r + " rounds, fallback";
      line.append(el("b", "", runs[i].system + ": "), el("span", "", (d.a === null ? "none" : d.a) + " "), chip(d.v), el("span", "meta", "  " + way));
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

  function choice() {
    runEl.hidden = false;
    runs.forEach((r, i) => runEl.append(new Option(r.name, String(i))));
    runEl.addEventListener("change", () => { run = Number(runEl.value); LoridRows.refresh(); });
    const across = el("button");
    across.type = "button";
    across.dataset.filter = "across";
    across.append("Runs differ ", el("span", "count"));
    document.querySelector(".filters").append(across);
  }

  function begin(index) {
    runs = index.runs;
    if (runs.length > 1) choice();
    return index.rows;
  }

  LoridRows.show({
    what: "questions", one: "These draws", begin, passes, face,
    find: (needle) => (row) => matches(row, needle),
    inside: async (row) => detail((await LoridRows.block(row.c))[row.i], row),
  });
})();
