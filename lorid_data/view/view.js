"use strict";
// The rows of a dataset folder. Texts are set as text; they are opened block by block.
(() => {
  const PER_BLOCK = 50;
  const { byId, el, folded, part, words } = LoridDom;
  let texts = null;

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

  const TONE = { kept: "correct", drop: "wrong" };

  function face(row) {
    const marks = el("span", "marks");
    if (row.reason) marks.append(el("span", "chip wrong", words(row.reason)));
    marks.append(...row.flags.map((f) => el("span", "chip ungradable", words(f))));
    return [
      el("span", "chip " + (TONE[row.state] || "ungradable"), row.state),
      row.q.length ? LoridText.fill(el("span", "q"), row.q) : el("span", "q gone", row.detail || row.id),
      LoridText.fill(el("span", "a"), row.a), marks,
    ];
  }

  function pairs(found) {
    const box = el("dl");
    for (const [name, value] of found) box.append(el("dt", "", words(name)), el("dd", "mono", value));
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
      if (t.program) {
        const box = el("div");
        box.append(el("p", "meta", t.run), el("pre", "", t.program));
        if (t.printed) box.append(el("p", "meta", "It printed:"), el("pre", "", t.printed));
        parts.push(part("Program", box));
      }
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
  }

  function begin(index) {
    index.forEach((row, n) => { row.n = n; });
    options("reason", "reason", index.map((r) => r.reason));
    options("flag", "flag", index.flatMap((r) => r.flags));
    options("subject", "subject", index.map((r) => r.subject));
    return index;
  }

  async function find(needle) {
    if (needle && !texts) texts = await LoridRows.unpack("texts");
    return (row) => selected(row) && (!needle || texts[row.n].includes(needle));
  }

  LoridRows.show({
    what: "rows", one: "This row", css: "seen", begin, find, face,
    nothing: "No row matches: empty the search, or choose another filter.",
    passes: (row, filter) => tests[filter](row),
    inside: async (row) => detail((await LoridRows.block(Math.floor(row.n / PER_BLOCK)))[row.n % PER_BLOCK], row),
    keys: { n: () => LoridRows.turn(1), p: () => LoridRows.turn(-1), x: LoridText.toggleSource },
  });
})();
