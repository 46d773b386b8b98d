"""Checks of a row's texts as texts: there, readable, whole sentences, LaTeX that pairs up."""

from __future__ import annotations

import re

from lorid_data.checks.finding import Finding, Severity
from lorid_data.schema import Record, RejectReason
from lorid_data.texts.backslashes import lost_commands
from lorid_data.texts.latex import control_characters, unbalanced_latex, without_drawings


def texts_of(r: Record) -> list[tuple[str, str]]:
    """Every text of a row with its name."""
    rules = [(f"rule {i}", rule) for i, rule in enumerate(r.knowledge)]
    return [*own_texts(r), *rules]


def own_texts(r: Record) -> list[tuple[str, str]]:
    """The texts of the problem itself, its further answers included."""
    more = [(f"accepted answer {i}", a) for i, a in enumerate(r.accepted)]
    return [("question", r.question), ("rationale", r.rationale), ("answer", r.answer), *more]


def question_empty(r: Record) -> Finding | None:
    """The question has no visible character."""
    if r.question.strip():
        return None
    return Finding(RejectReason.QUESTION_EMPTY, Severity.DROP, "the question is empty", r.question)


def not_text(r: Record) -> Finding | None:
    r"""Control characters, or U+FFFD where a byte was lost, in any text of the row.

    A tab or a line break is one where it stands for the beginning of a LaTeX command (`<TAB>imes`).
    """
    for name, text in own_texts(r):
        bad = control_characters(text) or [f"what is left of {c}" for c in lost_commands(text)]
        if bad:
            return Finding(
                RejectReason.QUESTION_NOT_TEXT,
                Severity.DROP,
                f"{name} holds {', '.join(bad)}",
                repr(text),
            )
    return None


# --- prose --------------------------------------------------------------------------------------

_GLUED = re.compile(r"[a-z\d)$}\]][.!?](?=[A-Z][a-z]+ [a-z$\\])")


def sentences_glued(r: Record) -> Finding | None:
    """A sentence begins right behind the full stop of another: "64 square feet.The answer is"."""
    for name, text in texts_of(r):
        if m := _GLUED.search(without_drawings(text, " ")):
            return Finding(
                RejectReason.SENTENCES_GLUED,
                Severity.REPORT,
                f"{name}: no space behind a full stop",
                text[max(0, m.start() - 60) : m.end() + 60],
            )
    return None


# --- LaTeX --------------------------------------------------------------------------------------


def latex_unbalanced(r: Record) -> Finding | None:
    r"""Braces, `\[ \]`, `\( \)`, environments or `$` of a text with LaTeX do not pair up."""
    for name, text in own_texts(r):
        what = unbalanced_latex(text)
        if what is not None:
            return Finding(
                RejectReason.LATEX_UNBALANCED,
                Severity.QUARANTINE,
                f"{name}: {what}",
                text[-500:],
            )
    return None
