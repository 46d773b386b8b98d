"""The page of an audit in a real browser, used by keys and clicks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.audit.result import AUDIT_HTML, AUDIT_JSON
from lorid_data.audit.stage import AuditOptions, audit
from lorid_data.build.importing import import_table

HOSTILE = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>\u202e & <b>Ann</b>"
ARTIFACTS = Path(__file__).parents[2] / "artifacts"


def line(n: int, *rules: str) -> dict[str, Any]:
    return {
        "question": f"Ann has {n} apples and buys {n + 1} more. How many has she?",
        "rationale": f"{n} + {n + 1} = {2 * n + 1}",
        "answer": str(2 * n + 1),
        "knowledge": rules or ("To find a total, add the parts.",),
    }


def folder_of(rows: list[dict[str, Any]], tmp: Path) -> Path:
    table = tmp / "rows.jsonl"
    table.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    import_table(table, tmp / "data")
    audit(tmp / "data", AuditOptions(sample=60))
    return tmp / "data"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [line(30 + n) for n in range(60)]
    rows += [line(200 + n, f"Add to get {401 + 2 * n}.", "Sum the parts.") for n in range(7)]
    rows += [line(300 + n, "Read the problem.", "Compute the result.") for n in range(3)]
    return folder_of(rows, tmp_path_factory.mktemp("audit")) / AUDIT_HTML


def count(browser: Any, name: str) -> int:
    return int(browser.js(f"document.querySelector('[data-filter={name}] .count').textContent"))


def test_it_opens_without_a_request_or_a_complaint(browser: Any, page: Path) -> None:
    browser.open(page)
    asked = [e["params"]["request"]["url"] for e in browser.said("Network.requestWillBeSent")]
    assert asked == [page.as_uri()]
    assert browser.said("Runtime.exceptionThrown", "Log.entryAdded") == []
    assert browser.charts() == 3
    assert browser.js("document.documentElement.scrollWidth <= window.innerWidth")
    text = browser.js("document.body.textContent")
    assert "2 of 12 gates are not met: answer_leak, generic_list." in text
    assert "No independent person has checked these labels." in text


def test_filters_show_the_rows_that_the_audit_flagged(browser: Any, page: Path) -> None:
    browser.open(page)
    body = json.loads((page.parent / AUDIT_JSON).read_text(encoding="utf-8"))
    for check, n in (("answer_leak", 7), ("generic_list", 3)):
        flagged = {
            r for r, flags in body["rows"].items() if any(f["check"] == check for f in flags)
        }
        assert len(flagged) == n == count(browser, check)
        browser.click(f"[data-filter={check}]")
        browser.wait(f"document.querySelectorAll('.rows .row[data-id]').length === {n}")
        shown = browser.js(
            "[...document.querySelectorAll('.rows .row[data-id]')].map((b) => b.dataset.id)"
        )
        assert set(shown) == flagged
    assert count(browser, "to_read") == 60


def test_a_row_opens_by_keys_with_its_evidence(browser: Any, page: Path) -> None:
    browser.open(page)
    browser.press("/")
    browser.write("add to get 405")
    browser.wait("document.querySelectorAll('.rows .row[data-id]').length === 1")
    browser.js("document.activeElement.blur()")
    browser.press("j")
    browser.press("Enter")
    browser.wait("document.querySelectorAll('.detail .columns').length === 1")
    assert (
        browser.js("document.querySelector('.detail li.flagged > span').textContent")
        == "Add to get 405."
    )
    assert "answer leak" in browser.js(
        "document.querySelector('.detail li.flagged .evidence').textContent"
    )
    assert "202 + 203 = 405" in browser.js("document.querySelector('.detail pre').textContent")
    ARTIFACTS.mkdir(exist_ok=True)
    browser.js("document.getElementById('rows-section').scrollIntoView({behavior: 'instant'})")
    browser.screenshot(ARTIFACTS / "audit-rows.png")
    browser.press("Escape")
    browser.wait("document.querySelectorAll('.detail').length === 0")


def test_pages_turn(browser: Any, page: Path) -> None:
    browser.open(page)
    n = count(browser, "all")
    assert n > 40
    browser.click("#next")
    browser.wait(f"document.getElementById('where').textContent === '41–{n} of {n}'")
    browser.click("#previous")
    browser.wait("document.getElementById('previous').disabled")


def test_hostile_text_is_shown_and_does_nothing(browser: Any, tmp_path: Path) -> None:
    row = {
        "question": HOSTILE,
        "rationale": HOSTILE,
        "answer": HOSTILE,
        "knowledge": [HOSTILE, HOSTILE],
    }
    folder = folder_of([row], tmp_path)
    browser.open(folder / AUDIT_HTML)
    browser.click(".rows .row[data-id]")
    browser.wait("document.querySelectorAll('.detail .columns').length === 1")
    assert browser.js("window.pwned === undefined")
    assert browser.js("document.querySelectorAll('main img, .detail script').length") == 0
    text = browser.js("document.querySelector('.detail').textContent")
    assert "</script><script>window.pwned = 1</script><img src=x" in text
    assert "⟨U+202E⟩ & <b>Ann</b>" in text
    assert browser.said("Runtime.exceptionThrown", "Log.entryAdded") == []


def test_a_small_screen_needs_no_sideways_scrolling(browser: Any, page: Path) -> None:
    with browser.screen(390, mobile=True):
        browser.open(page)
        browser.click("[data-filter=answer_leak]")
        browser.wait("document.querySelectorAll('.rows .row[data-id]').length === 7")
        browser.click(".rows .row[data-id]")
        browser.wait("document.querySelectorAll('.detail .columns').length === 1")
        assert browser.js("document.documentElement.scrollWidth") <= 390
