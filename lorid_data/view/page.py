"""The page of a dataset folder."""

from __future__ import annotations

from collections.abc import Iterator

from lorid_data.pages.page import folded, page, page_scripts, paragraph, section
from lorid_data.pages.rows import row_list
from lorid_data.pages.table import table, table_html
from lorid_data.pages.text import esc
from lorid_data.schema import RejectReason
from lorid_data.texts.counting import count
from lorid_data.view.data import data_blocks
from lorid_data.view.rows import Folder, identity_text

STYLE = """
.rows .row.seen { grid-template-columns: 92px minmax(0, 1fr) minmax(70px, 130px) minmax(100px, 210px); }
.rows .row.seen .marks { display: flex; flex-wrap: wrap; gap: 3px 5px; justify-content: flex-end; }
.rows .row.seen .q.gone { color: var(--soft); }
.rows .row.seen .chip, .detail .chip { white-space: normal; overflow-wrap: anywhere; }
select { max-width: 100%; }
.detail .problem { font-size: 15px; overflow-x: auto; overflow-y: hidden; }
.detail h4 { margin: 14px 0 4px; font-size: 13.5px; color: var(--soft); }
.detail ol { margin: 0; padding-left: 22px; }
.detail li { margin: 0 0 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
.detail li.flagged::marker { color: var(--bad); font-weight: 700; }
.detail .why { border-left: 3px solid var(--c5); padding: 2px 0 2px 12px; margin: 6px 0 10px; }
.detail .why p { margin: 0 0 4px; overflow-wrap: anywhere; }
.detail dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 14px; margin: 0; font-size: 13px; }
.detail dt { color: var(--soft); }
.detail dd { margin: 0; overflow-wrap: anywhere; }
#folder .table { margin-bottom: 20px; max-width: 860px; }
@media (max-width: 700px) {
  .rows .row.seen { grid-template-columns: 92px minmax(0, 1fr); }
  .rows .row.seen .a { grid-column: 2; }
  .rows .row.seen .marks { grid-column: 1 / -1; justify-content: flex-start; }
}
"""


def render(folder: Folder, name: str) -> str:
    """The folder as one HTML page that asks nothing of any network.

    Args:
        folder: what to show.
        name: of the folder, for the title.
    """
    return page(
        name,
        _sections(folder),
        subtitle=f"{folder.manifest.stage}: {count(folder.n_kept, 'row')} kept, {folder.n_rejected:,} rejected",
        nav=[("rows-section", "Rows"), ("folder", "Folder")],
        scripts=page_scripts("lorid_data.view", "view.js", "rich.js", "rows.js"),
        style=STYLE,
        data=data_blocks(folder),
    )


def _sections(folder: Folder) -> Iterator[str]:
    notes = [paragraph(note, "note") for note in _notes(folder)]
    yield section("rows-section", "Rows", *notes, _ROWS)
    yield section("folder", "Folder", *_folder(folder))


def _notes(folder: Folder) -> Iterator[str]:
    if folder.is_sample:
        yield (
            f"A sample, drawn with seed {folder.seed}: {folder.n_kept_shown:,} of {folder.n_kept:,} kept rows "
            f"and {folder.n_rejected_shown:,} of {folder.n_rejected:,} rejected ones. Search and counts are of the sample."
        )
    if folder.n_rejected_shown and folder.parent is not None:
        yield f"The texts of rejected rows are those of the folder {folder.parent.name}, which this stage read."
    elif folder.n_rejected_shown and folder.manifest.parent_sha256 is not None:
        yield "The texts of rejected rows lie in the folder that this stage read, which is not beside this one."


def _folder(folder: Folder) -> Iterator[str]:
    m = folder.manifest
    reasons = [
        (reason, f"{n:,}", RejectReason(reason).sentence if reason in set(RejectReason) else "")
        for reason, n in m.n_rejected.items()
    ]
    if reasons:
        yield table_html(table(["reason", "rows", "meaning"], reasons, caption="Rejected rows"))  # fmt: skip
    if folder.flags:
        flags = [(name, f"{n:,}") for name, n in folder.flags.items()]
        yield table_html(table(["flag", "rows"], flags, caption="Flags of kept rows"))
    if not folder.audited:
        yield paragraph("lorid-data audit has not been run on these records: only the flags of validate are shown.", "note")  # fmt: skip
    about = [
        ("stage", m.stage),
        ("rows in", f"{m.n_in:,}"),
        ("manifest's identity", m.identity_sha256),
        ("read from", m.parent_sha256 or "a source"),
        ("code", m.code_version),
        *((f"sha256 of {name}", digest) for name, digest in m.files.items()),
    ]
    yield table_html(table(["", ""], about, caption="Manifest"))
    yield folded("Configuration", f"<pre>{esc(identity_text(m))}</pre>")


_ROWS = (
    '<p class="note">Open a row to read question, knowledge and solution side by side. <kbd>/</kbd> searches, '
    "<kbd>j</kbd> and <kbd>k</kbd> move, <kbd>Enter</kbd> opens, <kbd>Esc</kbd> closes, <kbd>n</kbd> and <kbd>p</kbd> "
    "turn the page, <kbd>x</kbd> shows the LaTeX source.</p>"
) + row_list(
    "Search texts, answers, reasons, ids",
    "Search rows",
    [("all", "All"), ("kept", "Kept"), ("rejected", "Rejected"), ("flagged", "Flagged")],
    beside_filters=[("reason", "Reason"), ("flag", "Flag"), ("subject", "Subject")],
    without_script="The rows need JavaScript; the rest of this page does not.",
    heads=("seen", ("State", "Question, or why it is missing", "Answer", "Reason and flags")),
)
