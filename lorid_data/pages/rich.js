"use strict";
// Shows the pieces that lorid_data.pages.latex makes. Elements and attributes come from a closed
// list, everything else is set as text: nothing here reads HTML.
const LoridText = (() => {
  const NS = "http://www.w3.org/1998/Math/MathML";
  const TAGS = new Set(("mrow mi mn mo mtext mspace ms mfrac msqrt mroot mstyle msub msup msubsup munder mover " +
    "munderover mmultiscripts mtable mtr mtd menclose").split(" "));
  const ATTRIBUTES = new Set(("columnalign columnlines rowlines stretchy fence form accent accentunder displaystyle " +
    "mathvariant movablelimits notation largeop linethickness scriptlevel minsize maxsize width").split(" "));
  const shown = new Map();
  let source = false;

  // Without a font for mathematics a browser leaves a bracket around a matrix as high as a letter. The style
  // stretches it by the number of lines instead, and the font is asked not to.
  const FENCES = new Set("()[]{}|‖‖⟨⟩⌊⌋⌈⌉∣∥");
  const isFence = (t) => Array.isArray(t) && t[0] === "mo" && FENCES.has(t[2]);
  const lines = (t) => (Array.isArray(t) && t[0] === "mtable" ? t.length - 2 : 0);

  function fenced(children) {
    return children.map((child, i) => {
      const n = Math.max(lines(children[i - 1]), lines(children[i + 1]));
      if (n < 2 || !isFence(child)) return node(child);
      const made = node(["mo", { ...child[1], stretchy: "false" }, child[2]]);
      made.setAttribute("class", "tall-" + Math.min(n, 9));
      return made;
    });
  }

  function node(tree) {
    if (typeof tree === "string") return document.createTextNode(tree);
    const [tag, attributes, ...children] = tree;
    const made = document.createElementNS(NS, TAGS.has(tag) ? tag : "mrow");
    for (const [name, value] of Object.entries(attributes)) {
      if (ATTRIBUTES.has(name)) made.setAttribute(name, value);
    }
    made.append(...fenced(children));
    return made;
  }

  function formula(piece) {
    const math = document.createElementNS(NS, "math");
    math.setAttribute("alttext", piece.s);
    if (piece.b) math.setAttribute("display", "block");
    math.append(...fenced(piece.m));
    return math;
  }

  function drawing(text) {
    const box = document.createElement("details"), name = document.createElement("summary"), body = document.createElement("pre");
    box.className = "drawing";
    name.textContent = "A drawing (Asymptote source)";
    body.textContent = text;
    box.append(name, body);
    return box;
  }

  function piece(one) {
    if (typeof one === "string") return document.createTextNode(one);
    if (source) return document.createTextNode(one.s);
    return one.m ? formula(one) : drawing(one.s);
  }

  // The text as it stands in the data.
  const listed = (pieces) => (typeof pieces === "string" ? [pieces] : pieces);
  const plain = (pieces) => listed(pieces).map((p) => (typeof p === "string" ? p : p.s)).join("");

  function fill(element, pieces) {
    shown.set(element, pieces);
    element.replaceChildren(...listed(pieces).map(piece));
    return element;
  }

  // Formulas, or the LaTeX that they were written in, in everything that is on the page.
  function toggleSource() {
    source = !source;
    for (const [element, pieces] of shown) {
      if (element.isConnected) fill(element, pieces);
      else shown.delete(element);
    }
    return source;
  }

  return { fill, plain, toggleSource };
})();
