"use strict";
// The rows of an audit: with a finding, or to be read.
(() => {
  const { el, part, words } = LoridDom;
  const tone = (name) => document.querySelector(`[data-filter="${name}"]`).dataset.tone;

  function begin(index) {
    for (const r of index) r.text = (r.search + "\n" + r.id).toLowerCase();
    return index;
  }

  function face(row) {
    const marks = el("span", "marks"), checks = row.checks.filter((c) => c !== "to_read");
    for (const c of checks) marks.append(el("span", "chip " + tone(c), words(c)));
    if (!checks.length) marks.append(el("span", "chip", "nothing found"));
    return [LoridText.fill(el("span", "q"), row.q), marks];
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
      li.append(LoridText.fill(el("span"), rule.text), ...rule.flags.map(evidence));
      box.append(li);
    }
    return texts.rules.length ? box : el("p", "meta", "No rules.");
  }

  function detail(texts, row) {
    const columns = el("div", "columns three");
    columns.append(
      part("Question", LoridText.fill(el("div", "problem"), texts.q)),
      part("Knowledge", rules(texts)),
      part("Solution, answer " + texts.answer, LoridText.fill(el("pre"), texts.rationale)),
    );
    const about = [texts.about, "knowledge: " + texts.teacher, row.id.slice(0, 12)].filter(Boolean).join(" · ");
    return [...texts.flags.map(evidence), columns, el("p", "meta", about)];
  }

  LoridRows.show({
    what: "rows", one: "This row", css: "found", begin, face,
    find: (needle) => (row) => row.text.includes(needle),
    passes: (row, filter) => filter === "all" || row.checks.includes(filter),
    keys: { x: LoridText.toggleSource },
    inside: async (row) => detail((await LoridRows.block(row.b))[row.i], row),
  });
})();
