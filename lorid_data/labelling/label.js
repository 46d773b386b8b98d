"use strict";
// The labelling page. One action at a time, in the order of the keys; texts are set as text.
(() => {
  const { byId, el } = LoridDom;
  const DEFECTS = [...document.querySelectorAll("#keys [data-say]")].map((b) => b.dataset.say).filter((v) => v !== "good" && v !== "unsure");
  let samples = [], sample = null, seen = 0, since = 0, queue = Promise.resolve();

  // --- the server ---------------------------------------------------------------------------

  async function ask(path, body) {
    let answer;
    try {
      answer = await fetch("api/" + path, body === undefined ? {} : {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
      });
    } catch {
      throw new Error("The server does not answer: nothing was saved. Start lorid-data label again.");
    }
    const text = await answer.text();
    let found;
    try { found = JSON.parse(text); } catch { throw new Error(text); }
    if (!answer.ok) throw new Error(found.error || text);
    return found;
  }

  // Keys may come faster than answers: each action waits for the one before it.
  function act(action) {
    queue = queue.then(action).catch((error) => tell(error.message, true));
    return queue;
  }

  function tell(text, bad) {
    byId("message").textContent = text;
    byId("message").classList.toggle("bad", Boolean(bad));
  }

  // --- time on the screen -------------------------------------------------------------------

  function restart() { seen = 0; since = document.hidden ? 0 : performance.now(); }
  function duration() { return (seen + (since ? performance.now() - since : 0)) / 1000; }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && since) { seen += performance.now() - since; since = 0; }
    else if (!document.hidden) since = performance.now();
  });

  // --- what is on the screen ----------------------------------------------------------------

  const nDone = () => samples.filter((s) => s.v).length;

  function strip() {
    const box = byId("strip");
    if (box.children.length !== samples.length) {
      box.replaceChildren(...samples.map((_, i) => {
        const cell = el("button");
        cell.type = "button";
        cell.tabIndex = -1;
        cell.addEventListener("click", () => act(() => show(i)));
        return cell;
      }));
    }
    samples.forEach((s, i) => {
      const cell = box.children[i], name = s.v || (s.changed ? "changed since you labelled it" : "no verdict");
      cell.className = (s.v || "") + (s.changed ? " changed" : "");
      cell.title = `Sample ${i + 1}: ${name}`;
      cell.setAttribute("aria-label", cell.title);
      cell.setAttribute("aria-current", String(Boolean(sample) && i === sample.index));
    });
    byId("done").textContent = `${nDone()} of ${samples.length} labelled`;
  }

  function draw(found, fresh) {
    sample = found;
    byId("place").textContent = `Sample ${found.index + 1} of ${samples.length}`;
    byId("about").textContent = found.about.join(" · ");
    if (fresh) {
      LoridText.fill(byId("question"), found.question);
      byId("knowledge").replaceChildren(...found.knowledge.map((rule) => LoridText.fill(el("li"), rule)));
      if (!found.knowledge.length) byId("knowledge").append(el("li", "meta", "This row has no rules."));
      byId("note").value = found.label ? found.label.note : "";
      byId("summary").hidden = true;
      byId("work").hidden = false;
      window.scrollTo(0, 0);
      restart();
    }
    solution(found);
    verdict(found.label);
    byId("back").disabled = found.index === 0;
    strip();
  }

  function solution(found) {
    byId("folded").hidden = Boolean(found.solution);
    byId("shown").hidden = !found.solution;
    const flags = found.flags || [];
    if (found.solution) {
      LoridText.fill(byId("rationale"), found.solution.rationale);
      LoridText.fill(byId("answer"), found.solution.answer);
      byId("teacher").textContent = found.solution.teacher;
    }
    byId("flags").replaceChildren(...flags.map((f) => {
      const li = el("li"), where = f.rule ? ` rule ${f.rule}` : "";
      li.append(el("span", "chip ungradable", f.check), where, f.evidence ? ": " + f.evidence : "");
      return li;
    }));
    if (!flags.length) byId("flags").append(el("li", "none", !found.label ? "hidden until your verdict" : found.audited ? "none" : "none; lorid-data audit has not been run on these records"));
    [...byId("knowledge").children].forEach((li, i) => li.classList.toggle("flagged", flags.some((f) => f.rule === i + 1)));
  }

  function verdict(label) {
    for (const button of document.querySelectorAll("#keys [data-say]")) {
      const on = Boolean(label) && (label.verdict === button.dataset.say || label.defects.includes(button.dataset.say));
      button.setAttribute("aria-pressed", String(on));
    }
  }

  async function show(index) {
    if (!(await keepNote())) return;
    draw(await ask("sample/" + index), true);
    tell(samples[index].changed && !samples[index].v ? "This row has changed since you labelled it: your label of the old text is kept, and not counted." : "");
  }

  // --- what keys do -------------------------------------------------------------------------

  async function save(label) {
    const first = !sample.label;
    const found = await ask("label", {
      row_id: sample.id, row_sha256: sample.sha, verdict: label.verdict, defects: label.defects,
      note: byId("note").value, duration_s: first ? Math.min(duration(), 86400) : 0,
    });
    samples[found.index].v = label.verdict;
    draw(found, false);
    const left = samples.length - nDone();
    tell(first ? "Saved. Look at the solution and the flags, then Enter." + (left ? "" : " That was the last one.") : "Saved.");
  }

  async function say(value) {
    if (!sample || byId("work").hidden) return;
    if (value === "good" || value === "unsure") {
      await save({ verdict: value, defects: [] });
      return;
    }
    const had = sample.label ? sample.label.defects : [];
    const now = DEFECTS.filter((d) => had.includes(d) !== (d === value));
    if (!now.length) {
      tell("That was its only defect: press g for good, u for unsure, or z to undo.");
      return;
    }
    await save({ verdict: "defective", defects: now });
  }

  // False where the note could not be kept: then the page stays where it is.
  async function keepNote() {
    const text = byId("note").value;
    if (!sample || text === (sample.label ? sample.label.note : "")) return true;
    if (!sample.label) {
      tell("The note is saved with a verdict: give one, or empty the note.", true);
      return false;
    }
    await save(sample.label);
    tell("Note saved.");
    return true;
  }

  async function next() {
    if (sample && !sample.label) {
      tell("No verdict yet: press one key (? explains them), or j to leave it for later.");
      return;
    }
    if (!(await keepNote())) return;
    const from = sample ? sample.index : -1;
    const order = [...samples.keys()].map((i) => (from + 1 + i) % samples.length);
    const free = order.find((i) => !samples[i].v);
    if (free === undefined) await summary();
    else await show(free);
  }

  async function step(by) {
    const to = sample.index + by;
    if (to >= 0 && to < samples.length) await show(to);
    else tell(by < 0 ? "This is the first sample." : "This is the last sample; s shows the summary.");
  }

  async function undo() {
    const { index } = await ask("undo", {});
    samples = (await ask("state")).samples;
    if (index === null) {
      strip();
      tell("Nothing to undo.");
      return;
    }
    draw(await ask("sample/" + index), true);
    tell("Undone.");
  }

  async function peek() {
    if (!sample.solution) draw(await ask("peek/" + sample.index, {}), false);
  }

  // --- summary ------------------------------------------------------------------------------

  const percent = (x) => (x === null ? "–" : (100 * x).toFixed(1) + " %");
  const between = (s) => (s.ci_low === null ? "–" : `${percent(s.ci_low)} to ${percent(s.ci_high)}`);
  const coefficient = (e) => (e.value === null ? "not defined" : e.value.toFixed(2) + (e.ci_low === null ? "" : ` (${e.ci_low.toFixed(2)} to ${e.ci_high.toFixed(2)})`));

  function table(head, rows, caption) {
    const box = el("div", "table"), t = el("table"), body = el("tbody"), top = el("tr"), thead = el("thead");
    t.append(el("caption", "", caption));
    top.append(...head.map((h, i) => el("th", i ? "num" : "", h)));
    thead.append(top);
    body.append(...rows.map((cells) => {
      const tr = el("tr");
      tr.append(...cells.map((c, i) => el(i ? "td" : "th", i ? "num" : "", c)));
      return tr;
    }));
    t.append(thead, body);
    box.append(t);
    return box;
  }

  const shares = (found) => found.map(([name, s]) => [name, s.n, percent(s.fraction), between(s)]);

  async function summary() {
    if (!(await keepNote())) return;
    const found = await ask("summary"), parts = [];
    parts.push(el("p", "", found.said), el("p", "meta", found.note));
    for (const one of found.tables) parts.push(el("h3", "", one.title), table(["", "samples", "share", "95 % interval"], shares(one.shares), ""));
    if (found.agreement.length) {
      parts.push(el("h3", "", "Agreement"), table(["", "samples", "equal", "95 % interval", "Cohen's kappa", "Gwet's AC1"],
        found.agreement.map((a) => [`${a.annotators.join(" and ")}: ${a.of}`, a.n, percent(a.raw.value), between(a.raw), coefficient(a.kappa), coefficient(a.ac1)]), ""));
    }
    byId("summary-body").replaceChildren(...parts);
    byId("summary").hidden = false;
    byId("work").hidden = true;
    byId("place").textContent = "Summary";
    tell("");
    window.scrollTo(0, 0);
  }

  async function resume() {
    const free = samples.findIndex((s) => !s.v);
    await show(sample ? sample.index : Math.max(0, free));
  }

  async function finish() {
    await ask("finish", {});
    document.removeEventListener("keydown", onKey);
    document.querySelectorAll("button").forEach((b) => { b.disabled = true; });
    byId("place").textContent = "Ended";
    tell("The session has ended and everything is saved. You can close this page.");
    document.documentElement.dataset.ended = "true";
  }

  // --- keys ---------------------------------------------------------------------------------

  const inSummary = () => !byId("summary").hidden;
  const help = () => { const d = byId("help"); if (d.open) d.close(); else d.showModal(); };
  const MOVES = {
    Enter: next, j: () => step(1), ArrowRight: () => step(1), k: () => step(-1), ArrowLeft: () => step(-1),
    z: undo, r: peek, s: summary,
  };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.id === "note") {
      if (event.key === "Escape") { event.target.blur(); if (sample.label) act(keepNote); }
      return;
    }
    if (event.key === "?") { event.preventDefault(); help(); return; }
    if (byId("help").open || event.repeat) return;
    if (event.key === "Enter" && event.target.tagName === "BUTTON" && event.target.tabIndex >= 0) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const button = document.querySelector(`#keys [data-key="${CSS.escape(key)}"]`);
    if (inSummary()) {
      if (key === "q") act(finish);
      else if (key === "s" || key === "Enter" || key === "k" || key === "ArrowLeft") act(resume);
      else if (key === "z") act(undo);
      else return;
    } else if (button) act(() => say(button.dataset.say));
    else if (key === "n") byId("note").focus();
    else if (key === "x") tell(LoridText.toggleSource() ? "LaTeX source; x shows formulas." : "");
    else if (MOVES[key]) act(MOVES[key]);
    else return;
    event.preventDefault();
  }

  async function begin() {
    const state = await ask("state");
    samples = state.samples;
    const on = (id, action) => byId(id).addEventListener("click", () => { act(action); byId(id).blur(); });
    for (const button of document.querySelectorAll("#keys [data-say]")) {
      button.addEventListener("click", () => { act(() => say(button.dataset.say)); button.blur(); });
    }
    on("peek", peek); on("back", () => step(-1)); on("next", next); on("undo", undo);
    on("resume", resume); on("finish", finish);
    byId("close-help").addEventListener("click", help);
    byId("note").addEventListener("blur", () => { if (sample && sample.label) act(keepNote); });
    document.addEventListener("keydown", onKey);
    const free = samples.findIndex((s) => !s.v);
    if (free < 0) await summary();
    else await show(free);
    if (!nDone()) help();
    document.documentElement.dataset.ready = "true";
  }

  begin().catch((error) => { tell(error.message, true); document.documentElement.dataset.ready = "failed"; });
})();
