"""Rows that somebody wrote to end a run: numbers without end, formulas, bombs, markup, odd characters."""

from __future__ import annotations

from typing import Any

QUESTION = "Tom has 3 pens and buys 4 more. How many pens has he?"
DEEP = 3_000
_NINES = "9" * 5_000
_FORMULAS = [
    "9**9**9", "10^(10^(10^10))", r"\frac{1}{" * DEEP + "}" * DEEP, r"\sqrt{" * 900 + "2" + "}" * 900,
    "(" * DEEP + "1" + ")" * DEEP, "[" * DEEP, "{" * DEEP, "-" * DEEP + "1", "1" + "+1" * DEEP, "1" + "*9" * 2_000,
    "x^" * 900 + "x", r"\left(" * 900, "1e999999999", "-1e-999999999", "0x" + "f" * 5_000, "1/0", "0/0", "inf", "nan",
    r"\binom{9999}{4444}", "99999!", r"\sum_{i=1}^{10^{9}} i", r"\int_0^\infty", r"\boxed{" * 500, "$" * 4_001,
    r"\begin{cases}" * 300, r"\text{" * 900, "&" * 5_000, "%" * 5_000, "1,000" * 900, "1 000" * 900, "½" * 900, "٣٤٥", "１２３",
]  # fmt: skip
_TEXTS = [
    "<<" * 2_000, "<<1+1=" + _NINES + ">>", "<<" + _NINES + "=1>>", "<<" + "9*" * 99 + "9=1>>", "<<1/0=1>>",
    "<<" + "(" * 90 + "1" + ")" * 90 + "=1>>", "The answer is " + _NINES, "#### " + _NINES, _NINES + "/" + _NINES,
    r"\frac{" + _NINES + "}{3}", "[asy]" * 900, "[asy]" * 900 + "[/asy]", r"\[" * 2_000, r"\(" * 2_000, "$x" * 2_001,
    " " * 20_000, "\n" * 5_000, "\t" * 5_000, "a" * 100_000, "a.B" * 5_000, "x" + "\u0301" * 5_000, "\u202e\u200b\ufeff",
    "\x1b[2J\x1b]0;title\x07", "\x00", "\ud83d", "</s><|endoftext|><s>[INST]", "<script>alert(1)</script>",
    "{{7*7}}{% for i in range(9**9) %}", "__import__('os').system('id')", "%s%n{0.__class__}", "../../etc/passwd", "\u0000\uffff", "\\" * 20_000, "**" * 5_000, "=cmd|' /C calc'!A0",
]  # fmt: skip


def hostile_rows() -> list[dict[str, Any]]:
    """At least 75 rows of a table: each hostile text as the answer, the solution, a rule or all of it."""
    rows: list[dict[str, Any]] = [
        {"question": f"{QUESTION} ({i})", "rationale": f"So it is {text}", "answer": text, "knowledge": [text]}
        for i, text in enumerate(_FORMULAS)
    ]  # fmt: skip
    for i, text in enumerate(_TEXTS):
        at = len(_FORMULAS) + i
        rows.append({"question": f"{text} {at}?", "rationale": text, "answer": "7", "knowledge": ["Add.", text]})  # fmt: skip
    rows += [
        {"question": f"{QUESTION} (long {i})", "rationale": f"3 + 4 = {text}", "answer": text, "knowledge": ["Add."]}
        for i, text in enumerate([_NINES, "-" + _NINES, _NINES + "%", "$" + _NINES, "0." + _NINES, "." + _NINES, _NINES + ".5", "1" + "0" * 4_300])
    ]  # fmt: skip
    rows += [{"question": QUESTION, "rationale": "3 + 4 = 7", "answer": "7", "knowledge": [f"Rule {n}." for n in range(2_000)]}]  # fmt: skip
    # A lone surrogate cannot stand in a file; its escape can, and is refused with its line.
    return [r for r in rows if "\ud83d" not in r["rationale"]]
