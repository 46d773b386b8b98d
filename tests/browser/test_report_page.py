"""The report in a real browser, used by keys and clicks."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_train.interaction.draws import draw_seed
from lorid_train.report.view import EvaluationView, Replay, view_of
from lorid_train.report.writing import write_report

simulated = runpy.run_path(str(Path(__file__).parents[1] / "support" / "simulated_evaluation.py"))
HOSTILE = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>\u202e\x00\x1b[2J & <b>"


def view(name: str = "run", *, hostile: bool = False, **options: Any) -> EvaluationView:
    records, draws = simulated["simulate"](**options)
    if hostile:
        records[0] = records[0].model_copy(
            update={"question": HOSTILE, "rationale": HOSTILE, "knowledge": (HOSTILE,)}
        )
        first = draws[records[0].problem_id]
        draws[records[0].problem_id] = [
            d.model_copy(
                update={"text": HOSTILE + ("\n--> " + HOSTILE + " END" if d.role != "kg" else "")}
            )
            for d in first
        ]
    return view_of(
        name, records, lambda pid: draws[pid], replay=Replay(rounds=5), settings={"seed": 0}
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report") / "report.html"
    write_report([view(n=90)], out)
    return out


def shown(browser: Any) -> list[str]:
    return list(browser.js("[...document.querySelectorAll('.rows .row')].map((b) => b.dataset.id)"))


def count(browser: Any, name: str) -> int:
    return int(browser.js(f"document.querySelector('[data-filter={name}] .count').textContent"))


def test_it_opens_without_a_request_or_a_complaint(browser: Any, page: Path) -> None:
    browser.open(page)
    asked = [e["params"]["request"]["url"] for e in browser.said("Network.requestWillBeSent")]
    assert asked == [page.as_uri()]
    assert browser.said("Runtime.exceptionThrown", "Log.entryAdded") == []
    assert browser.js("document.querySelectorAll('svg.chart').length") >= 4
    assert browser.js(
        "[...document.querySelectorAll('svg.chart text')].every((t) => t.getBBox().x >= -1 && t.getBBox().x + t.getBBox().width <= 641)"
    )
    assert browser.js("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_click_opens_a_question_and_a_click_closes_it(browser: Any, page: Path) -> None:
    browser.open(page)
    browser.click(".rows .row")
    browser.wait("document.querySelectorAll('.rows .detail .draw.ir').length > 0")
    text = browser.js("document.querySelector('.rows .detail').textContent")
    assert "Round 1" in text
    assert "Multiply the number of groups by the size of a group." in text
    assert "tokens" in text
    first = next(d for d in view(n=90).draws(shown(browser)[0]) if d.condition == "sampled")
    assert f"seed {draw_seed(first.key)}" in text
    assert browser.js("document.querySelectorAll('.detail .draw.dr .chip').length") > 0
    browser.click(".rows .row")
    browser.wait("document.querySelectorAll('.rows .detail').length === 0")


def test_keys_search_move_open_and_close(browser: Any, page: Path) -> None:
    browser.open(page)
    browser.press("/")
    assert browser.js("document.activeElement.id") == "search"
    browser.write("on day 7?")
    browser.wait("document.querySelectorAll('.rows .row').length === 1")
    browser.press("Escape")
    browser.wait("document.querySelectorAll('.rows .row').length === 40")
    ids = shown(browser)
    browser.press("j")
    browser.press("j")
    browser.press("k")
    browser.press("j")
    assert browser.js("document.activeElement.dataset.id") == ids[1]
    browser.press("Enter")
    browser.wait("document.querySelectorAll('.detail .draw').length > 0")
    browser.press("Escape")
    browser.wait("document.querySelectorAll('.detail').length === 0")
    assert browser.js("document.activeElement.dataset.id") == ids[1]


def test_filters_show_what_they_say(browser: Any, page: Path) -> None:
    browser.open(page)
    one = view(n=90)
    rows = {o.problem_id: o for o in one.scored.outcomes["lorid@5"]}
    wanted = {
        "wrong": {p for p, o in rows.items() if o.verdict != "correct"},
        "false": {p for p, o in rows.items() if o.how == "consensus" and o.verdict == "wrong"},
        "none": {p for p, o in rows.items() if o.how != "consensus"},
        "differ": {
            g.gold.problem_id
            for g in one.graded
            if g.ir[0].cluster is None or g.ir[0].cluster != g.dr[0].cluster
        },
    }
    for name, expected in wanted.items():
        assert expected
        browser.click(f"[data-filter={name}]")
        browser.wait(
            f"document.querySelector('[data-filter={name}]').getAttribute('aria-pressed') === 'true'"
        )
        assert count(browser, name) == len(expected)
        assert set(shown(browser)) <= expected
        assert len(shown(browser)) == min(40, len(expected))


def test_pages_turn(browser: Any, page: Path) -> None:
    browser.open(page)
    first = shown(browser)
    browser.click("#next")
    browser.wait("document.getElementById('where').textContent === '41–80 of 90'")
    assert not set(first) & set(shown(browser))
    browser.click("#next")
    browser.wait("document.getElementById('next').disabled")
    assert len(shown(browser)) == 10
    browser.click("#previous")
    browser.click("#previous")
    browser.wait("document.getElementById('previous').disabled")
    assert shown(browser) == first


def test_hostile_text_is_shown_and_does_nothing(browser: Any, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    write_report([view(HOSTILE, n=3, hostile=True)], out)
    browser.open(out)
    browser.click(".rows .row")
    browser.wait("document.querySelectorAll('.detail .draw').length > 0")
    assert browser.js("window.pwned === undefined")
    assert browser.js("document.querySelectorAll('img, .detail script, .detail b ~ b').length") == 0
    text = browser.js("document.querySelector('.detail pre').textContent")
    assert "</script><script>window.pwned = 1</script><img src=x" in text
    assert "⟨U+202E⟩␀␛[2J & <b>" in text
    assert browser.said("Runtime.exceptionThrown", "Log.entryAdded") == []


def test_runs_stand_side_by_side(browser: Any, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    write_report([view("one", n=50), view("two", n=40, random_seed=1, p_ir=0.3)], out)
    browser.open(out)
    assert browser.js(
        "[...document.querySelectorAll('#run option')].map((o) => o.textContent)"
    ) == ["one", "two"]
    wrong = count(browser, "wrong")
    browser.js(
        "(() => { const s = document.getElementById('run'); s.value = '1'; s.dispatchEvent(new Event('change')); })()"
    )
    assert count(browser, "wrong") > wrong
    assert count(browser, "all") == 50
    assert 10 < count(browser, "across") < 50
    browser.click("[data-filter=across]")
    browser.click(".rows .row")
    browser.wait("document.querySelectorAll('.detail .columns h4').length > 2")
    names = browser.js(
        "[...document.querySelectorAll('.detail .columns > div > h4:first-child')].map((h) => h.textContent)"
    )
    assert names == ["one", "two"]


def test_a_small_screen_needs_no_sideways_scrolling(browser: Any, page: Path) -> None:
    with browser.screen(390, mobile=True):
        browser.open(page)
        browser.click(".rows .row")
        browser.wait("document.querySelectorAll('.detail .draw').length > 0")
        assert browser.js("document.documentElement.scrollWidth") <= 390
