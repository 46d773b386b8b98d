"""The report in a real browser, used by keys and clicks."""

from __future__ import annotations

import csv
import io
import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_train.interaction.draws import draw_seed
from lorid_train.report.comparing import compare_all, side_of
from lorid_train.report.view import EvaluationView, Replay, view_of
from lorid_train.report.writing import write_report

simulated = runpy.run_path(str(Path(__file__).parents[1] / "support" / "simulated_evaluation.py"))
ARTIFACTS = Path(__file__).parents[2] / "artifacts"
HOSTILE = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>\u202e\x00\x1b[2J & <b>"


def view(
    name: str = "run",
    *,
    hostile: bool = False,
    change: dict[str, Any] | None = None,
    **options: Any,
) -> EvaluationView:
    records, draws = simulated["simulate"](**options)
    if change:  # one row of many: the first
        records[0] = records[0].model_copy(update=change)
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


def choose(browser: Any, name: str, label: str) -> None:
    """Choose an option of a select by what it says."""
    browser.js(
        f"(() => {{ const s = document.getElementById('{name}'); "
        f"s.selectedIndex = [...s.options].findIndex((o) => o.textContent === '{label}'); "
        "s.dispatchEvent(new Event('change')); })()"
    )


def shown(browser: Any) -> list[str]:
    return list(
        browser.js("[...document.querySelectorAll('.rows .row[data-id]')].map((b) => b.dataset.id)")
    )


def count(browser: Any, name: str) -> int:
    return int(browser.js(f"document.querySelector('[data-filter={name}] .count').textContent"))


def test_it_opens_without_a_request_or_a_complaint(browser: Any, page: Path) -> None:
    browser.open(page)
    asked = [e["params"]["request"]["url"] for e in browser.said("Network.requestWillBeSent")]
    assert asked == [page.as_uri()]
    assert browser.said("Runtime.exceptionThrown", "Log.entryAdded") == []
    assert browser.charts() >= 4
    assert browser.js("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_click_opens_a_question_and_a_click_closes_it(browser: Any, page: Path) -> None:
    browser.open(page)
    browser.click(".rows .row[data-id]")
    browser.wait("document.querySelectorAll('.rows .detail .draw.ir').length > 0")
    text = browser.js("document.querySelector('.rows .detail').textContent")
    assert "Round 1" in text
    assert "Multiply the number of groups by the size of a group." in text
    assert "tokens" in text
    first = next(d for d in view(n=90).draws(shown(browser)[0]) if d.condition == "sampled")
    assert f"seed {draw_seed(first.key)}" in text
    assert browser.js("document.querySelectorAll('.detail .draw.dr .chip').length") > 0
    browser.click(".rows .row[data-id]")
    browser.wait("document.querySelectorAll('.rows .detail').length === 0")


def test_keys_search_move_open_and_close(browser: Any, page: Path) -> None:
    browser.open(page)
    browser.press("/")
    assert browser.js("document.activeElement.id") == "search"
    browser.write("on day 7?")
    browser.wait("document.querySelectorAll('.rows .row[data-id]').length === 1")
    browser.press("Escape")
    browser.wait("document.querySelectorAll('.rows .row[data-id]').length === 40")
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
    browser.click(".rows .row[data-id]")
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
    browser.click(".rows .row[data-id]")
    browser.wait("document.querySelectorAll('.detail .columns h4').length > 2")
    names = browser.js(
        "[...document.querySelectorAll('.detail .columns > div > h4:first-child')].map((h) => h.textContent)"
    )
    assert names == ["one", "two"]


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (400, 800)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_first_screen_is_the_verdict(
    browser: Any, tmp_path: Path, width: int, height: int, theme: str
) -> None:
    out = tmp_path / "report.html"
    write_report([view(n=120)], out)
    with browser.screen(width, height, mobile=width < 600, theme=theme):
        browser.open(out)
        said = browser.js("document.querySelector('main .lead').textContent")
        assert said.startswith("At equal cost the loop ")
        assert said.count(". ") == 0  # one sentence
        tiles = browser.js("[...document.querySelectorAll('.tile')].map((t) => t.innerText)")
        assert [t.splitlines()[0] for t in tiles] == ["The loop", "Greedy IR", "Majority, equal tokens"]  # fmt: skip
        for tile in tiles:
            assert re.search(r"\d+\.\d %\n.*\n95 %: [\d.]+–[\d.]+\n[\d,]+ tokens", tile)
        bottom = browser.js(
            "[...document.querySelectorAll('#verdict svg.chart')].find((s) => s.getBoundingClientRect().width).getBoundingClientRect().bottom"
        )
        assert bottom <= height
        assert browser.charts() >= 4
        assert browser.js("document.documentElement.scrollWidth") <= width
        ARTIFACTS.mkdir(exist_ok=True)
        browser.screenshot(ARTIFACTS / f"report-{width}-{theme}.png")


def test_tables_show_interval_and_tokens_on_a_telephone(browser: Any, page: Path) -> None:
    shown = (
        "[...document.querySelectorAll('#accuracy table thead th')].filter((h) => h.getBoundingClientRect().width"
        " && h.getBoundingClientRect().right <= 400).map((h) => h.textContent)"
    )
    with browser.screen(400, 800, mobile=True):
        browser.open(page)
        assert browser.js(shown)[:4] == ["System", "Accuracy", "95 % interval", "Tokens"]
        browser.click("#accuracy .get .whole")
        assert browser.js("document.querySelector('#accuracy th.less').getBoundingClientRect().width") > 0  # fmt: skip


def test_questions_are_filtered_by_subject_system_and_verdict(browser: Any, page: Path) -> None:
    browser.open(page)
    one = view(n=90)
    for system in ("lorid@5", "ir-greedy", "dr-sampled"):
        rows = one.scored.outcomes[system]
        for verdict in ("correct", "wrong"):
            for subject in ("bakery", "travel"):
                choose(browser, "system", system)
                choose(browser, "verdict-is", verdict.replace("_", " "))
                choose(browser, "subject", subject)
                wanted = {o.problem_id for o in rows if (o.verdict, o.subject) == (verdict, subject)}  # fmt: skip
                browser.wait(f"document.getElementById('status').textContent.startsWith('{len(wanted)} of 90')")  # fmt: skip
                assert set(shown(browser)) <= wanted
                assert len(shown(browser)) == min(40, len(wanted)) > 2


def test_the_address_holds_filters_and_the_open_question(browser: Any, page: Path) -> None:
    browser.open(page)
    browser.click("[data-filter=wrong]")
    choose(browser, "subject", "travel")
    browser.press("/")
    browser.write("rolls")
    browser.wait("location.hash.includes('q=rolls')")
    ids = shown(browser)
    browser.click(".rows .row[data-id]")
    browser.wait("document.querySelectorAll('.detail .draw').length > 0")
    address = browser.js("location.href")
    link = browser.js("document.querySelector('.detail a').href")
    browser.open(page)
    assert shown(browser) != ids
    browser.call("Page.navigate", url="about:blank")
    browser.open(address)
    browser.wait("document.querySelectorAll('.detail .draw').length > 0")
    assert shown(browser) == ids
    assert browser.js("document.querySelector('.row[aria-expanded=true]').dataset.id") == ids[0]
    assert browser.js("document.getElementById('subject').value") == "travel"
    top = browser.js("document.querySelector('.row[aria-expanded=true]').getBoundingClientRect().top")  # fmt: skip
    assert 0 <= top < 900
    # The link leads to the question alone, wherever it stands in the whole list.
    browser.call("Page.navigate", url="about:blank")
    browser.open(link)
    browser.wait("document.querySelectorAll('.detail .draw').length > 0")
    assert count(browser, "all") == 90
    assert browser.js("document.querySelector('.row[aria-expanded=true]').dataset.id") == ids[0]


@pytest.mark.parametrize(
    "text", ["open=nosuch", "page=99", "filter=%3Cimg%3E&subject=x&run=7", "q=%00%ff", "page=-3&open="]
)  # fmt: skip
def test_an_address_of_nonsense_opens_the_page(browser: Any, page: Path, text: str) -> None:
    browser.call("Page.navigate", url="about:blank")
    browser.open(f"{page.as_uri()}#~{text}")
    assert browser.said("Runtime.exceptionThrown", "Log.entryAdded") == []
    assert "90 questions" in browser.js("document.getElementById('status').textContent") or "No question" in browser.js("document.getElementById('status').textContent")  # fmt: skip


def test_tables_are_sorted_by_a_click(browser: Any, page: Path) -> None:
    browser.open(page)
    cells = "[...document.querySelectorAll('#accuracy table:not(figure table) tbody tr')].map((r) => r.cells[7].textContent)"  # fmt: skip
    before = browser.js(cells)
    sort = "document.querySelectorAll('#accuracy thead .sort')[7].click()"
    browser.js(sort)
    numbers = [float(c.replace(",", "")) for c in browser.js(cells) if c != "–"]
    assert numbers == sorted(numbers)
    assert browser.js(cells)[-1] == "–"
    browser.js(sort)
    numbers = [float(c.replace(",", "")) for c in browser.js(cells) if c != "–"]
    assert numbers == sorted(numbers, reverse=True)
    assert browser.js(cells)[-1] == "–"
    browser.js(sort)
    assert browser.js(cells) == before


def test_every_table_can_be_taken_along(browser: Any, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    write_report([view(n=30, change={"subject": "=HYPERLINK(evil)", "answer": '1,"2'})], out)
    browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "got"))
    browser.open(out)
    n_tables = browser.js("document.querySelectorAll('div.table tbody').length")
    assert browser.js("document.querySelectorAll('.get').length") == n_tables > 8
    one = view(n=30, change={"subject": "=HYPERLINK(evil)", "answer": '1,"2'})
    saved = {}
    for at, kind in ((1, "csv"), (2, "json")):
        browser.js(f"document.querySelector('#accuracy .get button:nth-child({at})').click()")
        path = tmp_path / "got" / f"accuracy.{kind}"
        browser.wait_for(path.is_file)
        saved[kind] = path.read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(saved["csv"])))
    assert rows == json.loads(saved["json"])
    accuracy = {m.system: m.value for m in one.metrics if (m.metric, m.slice) == ("accuracy", None)}
    for row in rows:
        assert row["Accuracy"] == f"{accuracy[row['System']] * 100:.1f} %"
    browser.js("[...document.querySelectorAll('#breakdown details')].find((d) => d.textContent.includes('By subject')).querySelector('.get button').click()")  # fmt: skip
    path = tmp_path / "got" / "by-subject.csv"
    browser.wait_for(path.is_file)
    names = [r["subject"] for r in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))]
    assert "'=HYPERLINK(evil)" in names  # a spreadsheet shows it, and runs nothing


def test_row_lists_render_formulas(browser: Any, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    text = r"Let $A=\begin{pmatrix}1&2\\3&4\end{pmatrix}$; what is $\frac{a}{b}$?"
    write_report([view(n=12, change={"question": text, "source": "math"})], out)
    browser.open(out)
    assert browser.js("document.querySelector('.rows .row[data-id] .q mfrac') !== null")
    assert browser.js("document.querySelectorAll('.rows .row[data-id] .q mo.tall-2').length") == 2
    box = "document.querySelector('.rows .row[data-id] .q {}').getBoundingClientRect().height"
    assert browser.js(box.format("mo.tall-2")) > 0.8 * browser.js(box.format("mtable"))
    browser.press("/")
    browser.write("begin{pmatrix}")
    browser.wait("document.getElementById('status').textContent === '1 of 12 questions'")
    browser.press("Escape")
    browser.press("x")
    assert "\\begin{pmatrix}" in browser.js("document.querySelector('.rows .row[data-id] .q').textContent")  # fmt: skip


def test_the_list_has_heads(browser: Any, page: Path) -> None:
    browser.open(page)
    heads = browser.js("[...document.querySelectorAll('.rows.heads span')].map((s) => [s.textContent, s.getBoundingClientRect().left])")  # fmt: skip
    parts = browser.js("[...document.querySelector('.rows .row[data-id]').children].map((s) => s.getBoundingClientRect().left)")  # fmt: skip
    assert [h[0] for h in heads][:2] == ["Verdict", "Question"]
    assert [h[1] for h in heads][:3] == pytest.approx(parts[:3], abs=2)


def test_flipped_questions_open_both_ways(browser: Any, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    a, b = view("one", n=50, p_ir=0.3), view("two", n=40, random_seed=1, p_ir=0.3)
    write_report([a, b], out)
    [c] = compare_all([side_of(a), side_of(b)])
    browser.open(out)
    for side, name in enumerate(("first", "second")):
        browser.click(f"[data-filter={name}]")
        assert set(shown(browser)) == {f.problem_id for f in c.flips[side]}
        assert len(shown(browser)) > 1
    assert "not like for like" in browser.js("document.querySelector('main').firstElementChild.textContent")  # fmt: skip


def test_a_small_screen_needs_no_sideways_scrolling(browser: Any, page: Path) -> None:
    with browser.screen(390, mobile=True):
        browser.open(page)
        browser.click(".rows .row[data-id]")
        browser.wait("document.querySelectorAll('.detail .draw').length > 0")
        assert browser.js("document.documentElement.scrollWidth") <= 390
