"use strict";
// The rows of a page (the HTML of `row_list`), searched, filtered, turned and opened by mouse or keys. Their list lies in
// the data block `index`, what they hold in the blocks `t0`, `t1`, …, each unpacked when asked for.
//
// Search, filters, selects, page and the open row stand in the address behind "#~", so that a row can be linked.
//
// A page says what its rows are, in `LoridRows.show({…})`:
//   what, one       what they are called in messages: "rows", "This row"
//   css             class of a row, beside `row`
//   begin(index)    the rows; once, when the index is there
//   find(needle)    the test that a row must pass in a search, or a promise of it; `needle` is in lower case
//   passes(row, filter)
//   face(row)       the nodes that a closed row shows
//   inside(row)     a promise of those that an open one shows
//   nothing         what is said where no row is left; by default the count
//   keys            what further keys do
//   kept            ids of selects that say how rows are shown, and not which
const LoridRows = (() => {
  const PAGE = 40;
  const { byId, el } = LoridDom;
  const rowsEl = byId("rows"), statusEl = byId("status"), searchEl = byId("search");
  const opened = new Map();
  let page = null, rows = [], shown = [], filter = "all", start = 0, open = null, written = "";

  async function unpack(id) {
    const bytes = Uint8Array.from(atob(byId(id).textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  function block(n) {
    if (!opened.has(n)) opened.set(n, unpack("t" + n));
    return opened.get(n);
  }

  const typed = () => searchEl.value.trim().toLowerCase();
  const selects = () => [...document.querySelectorAll(".tools select[id]")];

  // What the address says of the list: only what is not as it was at the start.
  function state() {
    const said = new URLSearchParams();
    if (searchEl.value.trim()) said.set("q", searchEl.value.trim());
    if (filter !== "all") said.set("filter", filter);
    for (const s of selects()) if (s.selectedIndex > 0) said.set(s.id, s.value);
    if (start) said.set("page", start / PAGE + 1);
    if (open) said.set("open", open);
    return said;
  }

  function remember() {
    const said = state().toString();
    if (said === written) return;
    written = said;
    history.replaceState(null, "", said ? "#~" + said : "#~");
  }

  // The list as an address says it; what it names and is not there is left aside.
  async function restore() {
    if (!location.hash.startsWith("#~")) return false;
    const said = new URLSearchParams(location.hash.slice(2));
    written = said.toString();
    searchEl.value = said.get("q") || "";
    const known = [...document.querySelectorAll("[data-filter]")].map((b) => b.dataset.filter);
    filter = known.includes(said.get("filter")) ? said.get("filter") : "all";
    for (const s of selects()) {
      const at = [...s.options].findIndex((o) => o.value === said.get(s.id));
      s.selectedIndex = Math.max(0, at);
    }
    open = null;
    const wanted = said.get("open");
    await refresh();
    const n = wanted ? shown.findIndex((row) => row.id === wanted) : -1;
    const at = n >= 0 ? Math.floor(n / PAGE) : Math.max(0, Number(said.get("page")) - 1 || 0);
    start = at * PAGE < shown.length ? at * PAGE : 0;
    list();
    const button = n >= 0 && [...rowsEl.querySelectorAll(".row")].find((b) => b.dataset.id === wanted);
    if (button) {
      button.scrollIntoView({ block: "start", behavior: "instant" });
      await toggle(button.parentElement, button, shown[n]);
      button.focus({ preventScroll: true });
    } else if (said.size) rowsEl.closest("section").scrollIntoView({ behavior: "instant" });
    return true;
  }

  async function refresh() {
    const needle = typed(), test = await page.find(needle);
    if (needle !== typed()) return; // typed on meanwhile
    const found = rows.filter(test);
    for (const button of document.querySelectorAll("[data-filter]")) {
      const name = button.dataset.filter;
      button.setAttribute("aria-pressed", String(name === filter));
      button.querySelector(".count").textContent = found.filter((row) => page.passes(row, name)).length;
    }
    shown = found.filter((row) => page.passes(row, filter));
    start = 0;
    open = null;
    list();
  }

  function list() {
    rowsEl.replaceChildren(...shown.slice(start, start + PAGE).map(item));
    const end = Math.min(start + PAGE, shown.length);
    statusEl.textContent = (!shown.length && page.nothing) || `${shown.length} of ${rows.length} ${page.what}`;
    byId("where").textContent = shown.length ? `${start + 1}–${end} of ${shown.length}` : "";
    byId("previous").disabled = start === 0;
    byId("next").disabled = end >= shown.length;
    remember();
  }

  function item(row) {
    const li = el("li"), button = el("button", page.css ? "row " + page.css : "row");
    button.type = "button";
    button.dataset.id = row.id;
    button.setAttribute("aria-expanded", "false");
    button.append(...page.face(row));
    button.addEventListener("click", () => toggle(li, button, row));
    li.append(button);
    return li;
  }

  async function toggle(li, button, row) {
    if (button.getAttribute("aria-expanded") === "true") {
      button.setAttribute("aria-expanded", "false");
      li.querySelector(".detail").remove();
      if (open === row.id) open = null;
      remember();
      return;
    }
    button.setAttribute("aria-expanded", "true");
    const box = el("div", "detail");
    li.append(box);
    open = row.id;
    remember();
    try {
      box.append(...(await page.inside(row)), linkTo(row));
    } catch (error) {
      box.append(el("p", "note", `${page.one} cannot be opened: ${error.message}`));
    }
  }

  // Leads to this row, whatever the list is filtered by; what chooses how rows are shown stays chosen.
  function linkTo(row) {
    const now = state(), said = new URLSearchParams();
    for (const name of page.kept || []) if (now.has(name)) said.set(name, now.get(name));
    said.set("open", row.id);
    const link = el("a", "", "Link to " + page.one.toLowerCase()), line = el("p", "meta");
    link.href = "#~" + said;
    line.append(link);
    return line;
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
    open = null;
    list();
    rowsEl.closest("section").scrollIntoView();
  }

  function leave(typing) {
    const li = document.activeElement.closest && document.activeElement.closest(".rows > li");
    const button = li && li.querySelector(".row[aria-expanded=true]");
    if (button) {
      button.click();
      button.focus();
    } else if (typing) {
      searchEl.value = "";
      searchEl.blur();
      refresh();
    }
  }

  const KEYS = {
    "/": (event) => { event.preventDefault(); searchEl.focus(); },
    j: () => move(1),
    k: () => move(-1),
  };

  function onKey(event) {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") leave(typing);
    else if (!typing && event.key in page.keys) page.keys[event.key](event);
  }

  async function begin() {
    if (typeof DecompressionStream === "undefined") {
      statusEl.textContent = `This browser cannot open the ${page.what}: it has no DecompressionStream.`;
      return;
    }
    rows = page.begin(await unpack("index"));
    for (const button of document.querySelectorAll("[data-filter]")) {
      button.addEventListener("click", () => { filter = button.dataset.filter; refresh(); });
    }
    searchEl.addEventListener("input", refresh);
    for (const s of selects()) s.addEventListener("change", refresh);
    byId("previous").addEventListener("click", () => turn(-1));
    byId("next").addEventListener("click", () => turn(1));
    document.addEventListener("keydown", onKey);
    window.addEventListener("hashchange", () => {
      if (location.hash.startsWith("#~") && location.hash.slice(2) !== written) restore();
    });
    if (!(await restore())) await refresh();
    document.documentElement.dataset.ready = "true";
  }

  function show(what) {
    page = { ...what, keys: { ...KEYS, ...what.keys } };
    begin().catch((error) => { statusEl.textContent = `The ${page.what} cannot be opened: ${error.message}`; });
  }

  return { block, refresh, show, turn, unpack };
})();
