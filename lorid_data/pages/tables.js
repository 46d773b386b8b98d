"use strict";
// Tables that can be sorted by a click on a head, and taken along as CSV or JSON. What a cell says is its text.
(() => {
  const { el } = LoridDom;

  const text = (cell) => cell.dataset.said || cell.textContent;
  const heads = (table) => [...table.tHead.rows[0].cells];
  const rowsOf = (table) => [...table.tBodies[0].rows];

  // The first number of a cell ("−1.5", "1,200", "< 0.001", "54.0 % [40.1–67.2]"), or NaN.
  function number(said) {
    const found = said.replaceAll("−", "-").replaceAll("±", "").match(/^\D{0,3}?([-+]?\d[\d,]*(?:\.\d+)?)/);
    return found ? Number(found[1].replaceAll(",", "")) : NaN;
  }

  function compare(a, b) {
    const x = number(a), y = number(b);
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a.localeCompare(b);
    return x - y;
  }

  const EMPTY = new Set(["–", "-", "", "unknown"]);

  function sort(table, at, button) {
    const head = heads(table)[at], way = head.getAttribute("aria-sort");
    const next = way === "ascending" ? "descending" : way === "descending" ? "" : "ascending";
    for (const h of heads(table)) h.removeAttribute("aria-sort");
    if (next) head.setAttribute("aria-sort", next);
    const rows = rowsOf(table), sign = next === "descending" ? -1 : 1;
    rows.sort((a, b) => {
      if (!next) return a.dataset.at - b.dataset.at;
      const [x, y] = [a, b].map((row) => text(row.cells[at]).trim());
      // What has no value stands last, whichever way.
      return EMPTY.has(x) - EMPTY.has(y) || sign * compare(x, y) || a.dataset.at - b.dataset.at;
    });
    table.tBodies[0].append(...rows);
    button.focus();
  }

  function sortable(table) {
    rowsOf(table).forEach((row, i) => { row.dataset.at = i; });
    heads(table).forEach((head, at) => {
      const said = head.textContent;
      if (!said.trim()) return;
      head.dataset.said = said;
      const button = el("button", "sort", said);
      button.type = "button";
      button.title = "Sort by this column";
      button.addEventListener("click", () => sort(table, at, button));
      head.replaceChildren(button);
    });
  }

  // A spreadsheet runs a cell that begins like a formula; a number may begin with a sign.
  function quoted(said) {
    const safe = /^[=+\-@\t\r]/.test(said) && Number.isNaN(Number(said)) && !/^[+-][\d.,]+( |$)/.test(said) ? "'" + said : said;
    return /[",\n\r]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
  }

  function names(table) {
    const seen = new Map();
    return heads(table).map((head) => {
      const said = text(head).trim() || "column", n = (seen.get(said) || 0) + 1;
      seen.set(said, n);
      return n > 1 ? `${said} ${n}` : said;
    });
  }

  const cells = (table) => rowsOf(table).map((row) => [...row.cells].map((c) => text(c).trim()));

  function csv(table) {
    return [names(table), ...cells(table)].map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
  }

  function json(table) {
    const keys = names(table);
    return JSON.stringify(cells(table).map((row) => Object.fromEntries(row.map((c, i) => [keys[i], c]))), null, 1) + "\n";
  }

  // What a table is called: its caption, else the heading above it.
  function title(table) {
    if (table.caption) return table.caption.textContent;
    const before = [...document.querySelectorAll("h2, h3, summary")].filter(
      (h) => h.compareDocumentPosition(table) & Node.DOCUMENT_POSITION_FOLLOWING);
    return before.length ? before[before.length - 1].textContent : document.title;
  }

  const fileName = (said) => said.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "table";

  function save(name, type, body) {
    const link = el("a"), url = URL.createObjectURL(new Blob([body], { type: type + ";charset=utf-8" }));
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  }

  function tool(label, said, act) {
    const button = el("button", "", label);
    button.type = "button";
    button.title = said;
    button.addEventListener("click", () => act(button));
    return button;
  }

  function tools(box, table) {
    const line = el("p", "get"), name = () => fileName(title(table));
    line.append(
      tool("CSV", "Save this table as CSV", () => save(name() + ".csv", "text/csv", csv(table))),
      tool("JSON", "Save this table as JSON", () => save(name() + ".json", "application/json", json(table))),
    );
    if (table.querySelector(".less")) {
      const all = tool("All columns", "Show the columns that a small screen leaves out", (button) => {
        const on = box.classList.toggle("whole");
        button.setAttribute("aria-pressed", String(on));
      });
      all.className = "whole";
      all.setAttribute("aria-pressed", "false");
      line.append(all);
    }
    box.after(line);
  }

  for (const box of document.querySelectorAll("div.table")) {
    const table = box.querySelector("table");
    if (!table || !table.tHead || !rowsOf(table).length) continue;
    sortable(table);
    tools(box, table);
  }
})();
