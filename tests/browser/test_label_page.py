"""The labelling page in a real browser, used by keys and clicks."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.labelling.types import Label
from lorid_data.schema import Record

ROOT = Path(__file__).parents[2]
made = runpy.run_path(str(ROOT / "tests" / "support" / "labelled_folder.py"))
reseal = runpy.run_path(str(ROOT / "tests" / "support" / "manifests.py"))["reseal"]
labelling = runpy.run_path(str(ROOT / "tests" / "support" / "label_server.py"))["labelling"]
record, formula, HOSTILE = made["record"], made["formula"], made["HOSTILE"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [record(n) for n in range(1, 5)] + [formula(n) for n in range(2, 6)]
    made["write_folder"](tmp_path / "data", rows)
    leak = {"check": "answer_leak", "rule_index": 1, "evidence": HOSTILE}
    made["write_audit"](tmp_path / "data", {r.row_id: [leak] for r in rows})
    return tmp_path / "data"


@pytest.fixture
def page(browser: Any, folder: Path) -> Iterator[Any]:
    """The page of the annotator ann, its help closed."""
    with labelling(folder, "ann") as server:
        browser.open(server.url)
        browser.wait("document.getElementById('help').open")
        browser.press("Escape")
        browser.wait("!document.getElementById('help').open")
        browser.server = server
        yield browser
        browser.call("Page.navigate", url="about:blank")


def text(page: Any, element: str) -> str:
    return str(page.js(f"document.getElementById('{element}').textContent"))


def until(page: Any, element: str, part: str) -> None:
    page.wait(f"document.getElementById('{element}').textContent.includes({json.dumps(part)})")


def pressed(page: Any) -> list[str]:
    return list(
        page.js(
            "[...document.querySelectorAll('#keys [aria-pressed=true]')].map((b) => b.dataset.say)"
        )
    )


def visible(page: Any, element: str) -> bool:
    return bool(page.js(f"document.getElementById('{element}').checkVisibility()"))


def shown(page: Any) -> str:
    """Everything that can be read on the page."""
    return str(page.js("document.body.innerText"))


def labels(folder: Path) -> list[Label]:
    return read_rows(folder / "labels.parquet", Label)


def test_one_sample_by_keys(page: Any, folder: Path) -> None:
    assert text(page, "place") == "Sample 1 of 8"
    assert not visible(page, "shown")
    assert "answer leak" not in page.js("document.documentElement.innerHTML")
    page.press("Enter")
    until(page, "message", "No verdict yet")
    page.press("2")
    until(page, "done", "1 of 8 labelled")
    assert visible(page, "shown")
    assert pressed(page) == ["instance"]
    assert "answer leak" in text(page, "flags")
    page.press("4")
    page.wait("document.querySelectorAll('#keys [aria-pressed=true]').length === 2")
    page.press("2")
    page.wait("document.querySelectorAll('#keys [aria-pressed=true]').length === 1")
    assert pressed(page) == ["incomplete"]
    page.press("4")
    until(page, "message", "only defect")
    [label] = labels(folder)
    assert (label.verdict, label.defects, label.first_defects) == (
        "defective",
        ("incomplete",),
        ("instance",),
    )
    assert label.duration_s > 0
    page.press("Enter")
    until(page, "place", "Sample 2 of 8")
    assert not visible(page, "shown")
    assert pressed(page) == []


def test_keys_that_come_faster_than_answers_are_done_in_order(page: Any, folder: Path) -> None:
    for key in ("g", "Enter", "u", "Enter", "7", "Enter", "g"):
        page.press(key)
    until(page, "done", "4 of 8 labelled")
    assert [x.verdict for x in labels(folder)] == ["good", "unsure", "defective", "good"]
    assert labels(folder)[2].defects == ("row_broken",)


def test_moving_undoing_and_peeking(page: Any, folder: Path) -> None:
    page.press("j")
    until(page, "place", "Sample 2 of 8")
    page.press("ArrowLeft")
    until(page, "place", "Sample 1 of 8")
    page.press("r")
    page.wait("document.getElementById('shown').checkVisibility()")
    assert "hidden until your verdict" in text(page, "flags")
    page.press("g")
    until(page, "done", "1 of 8 labelled")
    assert labels(folder)[0].peeked
    page.press("j")
    until(page, "place", "Sample 2 of 8")
    page.press("z")
    until(page, "place", "Sample 1 of 8")
    until(page, "done", "0 of 8 labelled")
    assert pressed(page) == []
    assert labels(folder) == []


def test_a_note_is_typed_with_keys_that_mean_nothing_else_there(page: Any, folder: Path) -> None:
    page.press("g")
    until(page, "done", "1 of 8")
    page.press("n")
    page.wait("document.activeElement.id === 'note'")
    page.write("g1 <b>not</b> sure ")
    page.press("z")
    page.press("Escape")
    until(page, "message", "Note saved.")
    page.wait("document.activeElement.id !== 'note'")
    assert labels(folder)[0].note == "g1 <b>not</b> sure z"
    assert labels(folder)[0].verdict == "good"
    page.press("Enter")
    until(page, "place", "Sample 2 of 8")
    assert page.js("document.getElementById('note').value") == ""
    page.press("k")
    until(page, "place", "Sample 1 of 8")
    assert page.js("document.getElementById('note').value") == "g1 <b>not</b> sure z"


def test_a_note_without_a_verdict_is_not_lost_silently(page: Any) -> None:
    page.press("n")
    page.write("half a thought")
    page.press("Escape")
    page.press("j")
    until(page, "message", "The note is saved with a verdict")
    assert text(page, "place") == "Sample 1 of 8"


def test_everything_by_clicks(page: Any, folder: Path) -> None:
    page.click("#keys [data-say=unused]")
    until(page, "done", "1 of 8 labelled")
    page.click("#next")
    until(page, "place", "Sample 2 of 8")
    page.click("#back")
    until(page, "place", "Sample 1 of 8")
    page.click("#strip button:nth-child(5)")
    until(page, "place", "Sample 5 of 8")
    page.click("#peek")
    page.wait("document.getElementById('shown').checkVisibility()")
    page.click("#undo")
    until(page, "place", "Sample 1 of 8")
    assert labels(folder) == []
    page.press("?")
    page.wait("document.getElementById('help').open")
    page.press("g")
    page.click("#close-help")
    page.wait("!document.getElementById('help').open")
    assert text(page, "done") == "0 of 8 labelled"


def test_it_goes_on_at_the_first_sample_without_a_verdict(page: Any, folder: Path) -> None:
    for key in ("g", "Enter", "g", "j", "j", "g"):
        page.press(key)
    until(page, "done", "3 of 8 labelled")
    first = page.server.url
    assert page.server.end()[0] == 130
    page.press("Enter")
    until(page, "message", "The server does not answer")
    with labelling(folder, "ann") as server:
        assert server.url != first
        page.open(server.url)
        assert text(page, "place") == "Sample 3 of 8"
        assert not page.js("document.getElementById('help').open")


def test_formulas_are_drawn_for_math_and_money_stays_money(page: Any) -> None:
    seen = set()
    for _ in range(8):
        about = text(page, "about")
        question = text(page, "question")
        n_math = page.js("document.querySelectorAll('#question math').length")
        if about.startswith("math"):
            seen.add("math")
            assert n_math == 2
            assert (
                page.js(
                    "document.querySelector('#question math mfrac').getBoundingClientRect().height"
                )
                > 12
            )
            assert page.js("document.querySelectorAll('#question .drawing').length") == 1
            page.press("x")
            until(page, "message", "LaTeX source")
            assert "$\\frac{x}{" in text(page, "question")
            page.press("x")
            page.wait("document.querySelectorAll('#question math').length === 2")
        else:
            seen.add("gsm8k")
            assert n_math == 0
            assert "costs $" in question
            assert "a book $7" in question
        page.press("j")
        page.wait(
            f"document.getElementById('question').textContent !== {json.dumps(question)} || document.getElementById('message').textContent.includes('last')"
        )
    assert seen == {"math", "gsm8k"}


def test_to_the_end_with_a_summary_and_a_picture(page: Any, folder: Path) -> None:
    for i in range(8):
        page.press("g" if i % 3 else "3")
        until(page, "done", f"{i + 1} of 8 labelled")
        if i == 4:
            picture = ROOT / "artifacts" / "label.png"
            picture.parent.mkdir(exist_ok=True)
            page.screenshot(picture)
            assert picture.stat().st_size > 20_000
        page.press("Enter")
    page.wait("document.getElementById('summary').checkVisibility()")
    said = text(page, "summary-body")
    assert "You have labelled 8 of 8 samples." in said
    assert "Nothing to act on337.5 %13.7 % to 69.4 %" in said
    page.press("s")
    page.wait("document.getElementById('work').checkVisibility()")
    page.press("s")
    page.wait("document.getElementById('summary').checkVisibility()")
    page.press("q")
    page.wait("document.documentElement.dataset.ended === 'true'")
    status, said = page.server.wait()
    assert (status, "8 of 8 labelled by ann" in said) == (0, True)
    assert page.said("Runtime.exceptionThrown", "Log.entryAdded") == []
    assert json.loads((folder / "labels.json").read_text())["n"] == 8


def test_hostile_text_is_shown_and_does_nothing(browser: Any, tmp_path: Path) -> None:
    row = record(
        1,
        source="math",
        question=HOSTILE + " $\\text{" + HOSTILE.replace("\x00", "") + "}$",
        rationale=HOSTILE,
        answer=HOSTILE,
        knowledge=(HOSTILE, "$\\href{javascript:window.pwned=1}{x}$"),
        subject=HOSTILE,
    )
    folder = made["write_folder"](tmp_path / "<b>data", [row])
    made["write_audit"](
        folder, {row.row_id: [{"check": HOSTILE, "rule_index": 0, "evidence": HOSTILE}]}
    )
    with labelling(folder, "ann") as server:
        browser.open(server.url)
        browser.press("Escape")
        browser.press("n")
        browser.write(HOSTILE.replace("\x00", ""))
        browser.press("Escape")
        browser.press("g")
        browser.wait("document.getElementById('shown').checkVisibility()")
        browser.press("s")
        browser.wait("document.getElementById('summary').checkVisibility()")
        browser.press("s")
        browser.wait("document.getElementById('work').checkVisibility()")
        assert browser.js("window.pwned === undefined")
        assert (
            browser.js(
                "document.querySelectorAll('main img, main script, main a, main #sample b:not([id])').length"
            )
            == 0
        )
        for element in ("question", "rationale", "answer", "knowledge", "flags"):
            assert "</script><script>window.pwned = 1</script><img src=x" in text(browser, element)
            assert "⟨U+202E⟩" in text(browser, element)
        assert browser.said("Runtime.exceptionThrown", "Log.entryAdded") == []
        asked = [e["params"]["request"]["url"] for e in browser.said("Network.requestWillBeSent")]
        assert all(url.startswith((server.url, "data:")) for url in asked)
        browser.call("Page.navigate", url="about:blank")


def test_another_site_in_the_same_browser_can_neither_read_nor_write(
    page: Any, folder: Path, tmp_path: Path
) -> None:
    """Even if it knew the token: a page of another origin sends what it may."""
    other = tmp_path / "other.html"
    other.write_text(
        "<title>x</title><script>document.documentElement.dataset.ready='true'</script>"
    )
    sample = page.js("fetch('api/sample/0').then((r) => r.json())")
    body = json.dumps({"row_id": sample["id"], "row_sha256": sample["sha"], "verdict": "good"})
    url = page.server.url
    page.open(other)
    sent = f"""
      const body = {json.dumps(body)}, url = {json.dumps(url + "api/label")};
      const tried = [];
      for (const type of ["text/plain", "application/json"]) for (const mode of ["cors", "no-cors"]) {{
        try {{ const r = await fetch(url, {{method: "POST", mode, headers: {{"Content-Type": type}}, body}}); tried.push(r.type + r.status); }}
        catch (e) {{ tried.push("refused"); }}
      }}
      try {{ const r = await fetch({json.dumps(url + "api/state")}); tried.push(await r.text()); }} catch (e) {{ tried.push("refused"); }}
      return tried;
    """
    tried = page.js(f"(async () => {{ {sent} }})()")
    assert set(tried) <= {"refused", "opaque0"}
    assert not (folder / "labels.parquet").exists()


def test_a_changed_row_is_shown_again_and_says_so(browser: Any, folder: Path) -> None:
    with labelling(folder, "ann") as server:
        browser.open(server.url)
        browser.press("Escape")
        browser.press("g")
        until(browser, "done", "1 of 8 labelled")
        rows = read_rows(folder / RECORDS, Record)
        [labelled] = labels(folder)
        write_rows(
            folder / RECORDS,
            Record,
            [
                r.model_copy(update={"answer": "1"}) if r.row_id == labelled.row_id else r
                for r in rows
            ],
        )
        reseal(folder)
        browser.press("u")
        until(browser, "message", "has changed since this page was opened: nothing was saved")
        server.end()
    with labelling(folder, "ann") as server:
        browser.open(server.url)
        browser.press("Escape")
        assert text(browser, "done") == "0 of 8 labelled"
        until(browser, "message", "This row has changed since you labelled it")
        browser.call("Page.navigate", url="about:blank")


@pytest.mark.parametrize("width", [1280, 700, 390])
def test_no_screen_needs_sideways_scrolling(page: Any, width: int) -> None:
    with page.screen(width):
        for key in ("g", "s", "s", "?"):
            page.press(key)
        page.wait("document.getElementById('help').open")
        assert page.js("document.documentElement.scrollWidth") <= width
        inside = "[...document.querySelectorAll('aside button, #bar *')].every((e) => e.getBoundingClientRect().right <= window.innerWidth + 1)"
        assert page.js(inside)
        assert page.js("document.getElementById('help').scrollTop") == 0
        page.press("Escape")
