"use strict";
// Pieces that the scripts of all pages are written with. Texts are set as text, never as HTML.
const LoridDom = (() => {
  const byId = (id) => document.getElementById(id);

  function el(tag, css, text) {
    const node = document.createElement(tag);
    if (css) node.className = css;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  }

  // The name of a check or a reason, for people.
  const words = (name) => name.replaceAll("_", " ");

  // What is there when asked for.
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

  return { byId, el, folded, part, words };
})();
