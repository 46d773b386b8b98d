"""The labelling page: a shell whose script asks the session for one sample at a time."""

from __future__ import annotations

from collections.abc import Sequence

from lorid_data.labelling.rubric import DEFECTS, VERDICTS, Definition
from lorid_data.pages.page import content_policy, packaged, page, page_scripts
from lorid_data.pages.text import esc

KEYS = (
    ("Enter", "the next sample without a verdict"),
    ("j, →", "the next sample"),
    ("k, ←", "the sample before"),
    ("z", "take the last key press back"),
    ("n", "write a note; Esc leaves it"),
    ("r", "see the solution before your verdict (that you did is kept)"),
    ("x", "formulas or their LaTeX source"),
    ("s", "the summary so far"),
    ("?", "this help"),
)


def _scripts() -> list[str]:
    return page_scripts("lorid_data.labelling", "label.js", "rich.js")


def _style() -> str:
    return packaged("lorid_data.labelling", "label.css")


def policy() -> str:
    """The content security policy that the server sends with every answer."""
    found = content_policy(_scripts(), style=_style(), connect_self=True)
    return f"{found}; frame-ancestors 'none'"


def render(folder: str, annotator: str) -> str:
    """The page of one annotator.

    Args:
        folder: the dataset folder's name.
        annotator: who labels.
    """
    return page(
        f"Labelling {folder}",
        [_BAR, _WORK.format(keys=_buttons()), _summary(), _help()],
        subtitle=f"as {annotator}",
        scripts=_scripts(),
        style=_style(),
        connect_self=True,
    )


def _buttons() -> str:
    good, unsure = VERDICTS
    return "".join(_button(d) for d in (good, *DEFECTS, unsure))


def _button(d: Definition) -> str:
    return (
        f'<button type="button" class="say {esc(d.value)}" data-say="{esc(d.value)}" data-key="{esc(d.key)}" '
        f'aria-pressed="false" title="{esc(d.meaning)}"><kbd>{esc(d.key)}</kbd> {esc(d.name)}</button>'
    )


def _help() -> str:
    def rows(found: Sequence[tuple[str, str]]) -> str:
        return "".join(f"<dt><kbd>{esc(k)}</kbd></dt><dd>{esc(t)}</dd>" for k, t in found)

    verdicts = "".join(
        f"<dt><kbd>{esc(d.key)}</kbd></dt><dd><b>{esc(d.name)}.</b> {esc(d.meaning)}"
        + (f' <span class="meta">{esc(d.example)}</span>' if d.example else "")
        + "</dd>"
        for d in (VERDICTS[0], *DEFECTS, VERDICTS[1])
    )
    return (
        '<dialog id="help" aria-label="Help"><h2 tabindex="-1" autofocus>What is asked</h2>'
        "<p>Read the question and the rules. Would the rules help a student who has not seen the "
        "solution, and are they true and general? Press one key; it is saved at once. Then the "
        "solution and the automatic flags appear, and more keys add or take away defects.</p>"
        f'<dl class="keys">{verdicts}</dl><h2>Keys</h2><dl class="keys short">{rows(KEYS)}</dl>'
        '<p><button type="button" id="close-help">Close</button> <kbd>Esc</kbd></p></dialog>'
    )


def _summary() -> str:
    return (
        '<section id="summary" hidden aria-label="Summary"><h2>Summary</h2><div id="summary-body"></div>'
        '<p class="ends"><button type="button" id="resume"><kbd>s</kbd> Back to the samples</button> '
        '<button type="button" id="finish"><kbd>q</kbd> End the session</button></p></section>'
    )


_BAR = (
    '<div id="bar"><p id="where"><b id="place">Opening…</b> <span id="done" class="meta"></span>'
    '<span id="message" role="status" aria-live="polite"></span>'
    '<span class="hint meta"><kbd>?</kbd> help</span></p>'
    '<div id="strip" role="group" aria-label="Samples"></div></div>'
)

_WORK = (
    '<div class="work" id="work" hidden><section id="sample" aria-label="Sample">'
    '<p class="meta" id="about"></p>'
    '<h2>Question</h2><div class="problem" id="question"></div>'
    '<h2>Knowledge</h2><ol id="knowledge"></ol>'
    '<div id="folded"><button type="button" id="peek"><kbd>r</kbd> Solution</button> '
    '<span class="meta">shown, with the automatic flags, once you have given a verdict</span></div>'
    '<div id="shown" hidden><h2>Automatic flags</h2><ul id="flags"></ul>'
    '<h2>Solution</h2><div class="problem" id="rationale"></div>'
    '<p class="meta">Reference answer: <b id="answer"></b> · knowledge from <span id="teacher"></span></p></div>'
    "</section>"
    '<aside aria-label="Verdict"><div class="keys" id="keys">{keys}</div>'
    '<label for="note"><kbd>n</kbd> Note</label><textarea id="note" rows="3" maxlength="2000"></textarea>'
    '<p class="moves"><button type="button" id="next"><kbd>Enter</kbd> Next</button> '
    '<button type="button" id="back"><kbd>k</kbd> Back</button> '
    '<button type="button" id="undo"><kbd>z</kbd> Undo</button></p></aside></div>'
    "<noscript><p>The labelling page needs JavaScript.</p></noscript>"
)
