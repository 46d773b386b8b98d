"""The page of a dataset folder in a real browser, used by keys and clicks."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_data.schema import Disposition, Reject, RejectReason
from lorid_data.view.write import view

made = runpy.run_path(str(Path(__file__).parents[1] / "support" / "labelled_folder.py"))
record, formula, HOSTILE = made["record"], made["formula"], made["HOSTILE"]


def reject(n: int, reason: RejectReason) -> Reject:
    return Reject(
        row_id=f"{n:064x}", stage="build", disposition=Disposition.FAILED, reason=reason,
        detail=f"detail {n} {HOSTILE}", evidence=HOSTILE,
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("view")
    hostile = record(1, question=HOSTILE, knowledge=(HOSTILE,), subject=HOSTILE, flags=(HOSTILE,))
    rows = [hostile, *(formula(n) for n in range(2, 30)), *(record(n) for n in range(2, 40))]
    rejects = (reject(1, RejectReason.NOT_RECORDED), reject(2, RejectReason.NOT_RECORDED), reject(3, RejectReason.TEACHER_REFUSED))  # fmt: skip
    made["write_folder"](folder / "data", rows, rejects)
    made["write_audit"](
        folder / "data", {r.row_id: [{"check": "answer_leak", "rule_index": 0, "evidence": "x"}] for r in rows[1:5]}
    )  # fmt: skip
    view(folder / "data", folder / "page.html")
    return folder / "page.html"


def status(browser: Any) -> str:
    return str(browser.js("document.getElementById('status').textContent"))


def choose(browser: Any, name: str, value: str) -> None:
    browser.js(f"(() => {{ const s = document.getElementById('{name}'); s.value = '{value}'; s.dispatchEvent(new Event('change')); }})()")  # fmt: skip


def test_it_opens_without_a_request_or_a_complaint(browser: Any, page: Path) -> None:
    browser.open(page)
    asked = [e["params"]["request"]["url"] for e in browser.said("Network.requestWillBeSent")]
    assert asked == [page.as_uri()]
    assert browser.said("Runtime.exceptionThrown", "Log.entryAdded") == []
    assert status(browser) == "70 of 70 rows"


def test_keys_search_move_open_turn_and_close(browser: Any, page: Path) -> None:
    browser.open(page)
    browser.press("/")
    browser.write("a pen costs $7 and")
    browser.wait("document.getElementById('status').textContent === '1 of 70 rows'")
    browser.press("Escape")
    browser.wait("document.getElementById('status').textContent === '70 of 70 rows'")
    browser.press("n")
    browser.wait("document.getElementById('where').textContent === '41–70 of 70'")
    browser.press("p")
    browser.wait("document.getElementById('where').textContent === '1–40 of 70'")
    for _ in range(5):
        browser.press("j")
    browser.press("Enter")
    browser.wait("document.querySelectorAll('.detail math').length >= 4")
    assert browser.js("[...document.querySelectorAll('.detail h4')].map((h) => h.textContent)") == [
        "Question", "Knowledge", "Solution",
    ]  # fmt: skip
    tops = browser.js("[...document.querySelectorAll('.detail h4')].map((h) => h.getBoundingClientRect().top)")  # fmt: skip
    assert len(set(tops)) == 1
    assert browser.js("document.querySelector('.detail li.flagged') !== null")
    browser.press("x")
    browser.wait("document.querySelectorAll('.detail math').length === 0")
    assert "$\\frac{x}{" in browser.js("document.querySelector('.detail').textContent")
    browser.press("x")
    browser.press("Escape")
    browser.wait("document.querySelectorAll('.detail').length === 0")


def test_filters_by_state_reason_flag_and_subject(browser: Any, page: Path) -> None:
    browser.open(page)
    browser.click("[data-filter=rejected]")
    browser.wait("document.getElementById('status').textContent === '3 of 70 rows'")
    choose(browser, "reason", "not_recorded")
    browser.wait("document.getElementById('status').textContent === '2 of 70 rows'")
    browser.click(".rows .row[data-id]")
    browser.wait("document.querySelectorAll('.detail .why').length === 1")
    assert RejectReason.NOT_RECORDED.sentence in browser.js(
        "document.querySelector('.why').textContent"
    )
    choose(browser, "reason", "")
    browser.click("[data-filter=flagged]")
    browser.wait("document.getElementById('status').textContent === '5 of 70 rows'")
    choose(browser, "flag", "answer_leak")
    browser.wait("document.getElementById('status').textContent === '4 of 70 rows'")
    browser.click("[data-filter=all]")
    choose(browser, "flag", "")
    choose(browser, "subject", "Algebra")
    browser.wait("document.getElementById('status').textContent === '28 of 70 rows'")
    assert browser.js("document.querySelector('[data-filter=kept] .count').textContent") == "28"


def test_hostile_text_is_shown_and_does_nothing(browser: Any, page: Path) -> None:
    browser.open(page)
    for n in (1, 4):
        browser.click(f".rows > li:nth-child({n}) .row")
        browser.wait(
            f"document.querySelector('.rows > li:nth-child({n}) .detail')?.children.length > 0"
        )
        assert "</script><script>window.pwned = 1</script><img src=x" in browser.js(f"document.querySelector('.rows > li:nth-child({n}) .detail').textContent")  # fmt: skip
    assert browser.js("window.pwned === undefined")
    assert browser.js("document.querySelectorAll('main img, main script').length") == 0
    assert browser.said("Runtime.exceptionThrown", "Log.entryAdded") == []


@pytest.mark.parametrize("width", [1280, 700, 390])
def test_no_screen_needs_sideways_scrolling(browser: Any, page: Path, width: int) -> None:
    with browser.screen(width):
        browser.open(page)
        browser.click(".rows > li:nth-child(6) .row")
        browser.wait("document.querySelectorAll('.detail math').length > 0")
        assert browser.js("document.documentElement.scrollWidth") <= width
