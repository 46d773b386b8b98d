"""The study page in a real browser: whole, quiet, and as wide as the screen."""

from __future__ import annotations

import re
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lorid_train.study_report import write_study

simulated = runpy.run_path(str(Path(__file__).parents[1] / "support" / "simulated_study.py"))
ARTIFACTS = Path(__file__).parents[2] / "artifacts"
HOSTILE = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>\u202e"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study")
    cells = [simulated["write_cell"](out, world=f"world {w}", n_groups=4) for w in (0, 1)]
    cells[1] = replace(cells[1], name=HOSTILE, world=HOSTILE)
    write_study(cells, out, group_by="subject", settings={"note": HOSTILE})
    return out / "report.html"


def opened(browser: Any, page: Path) -> None:
    browser.events.clear()
    browser.call("Page.navigate", url=page.as_uri())
    browser.wait(
        "document.readyState === 'complete' && document.querySelector('#settings') !== null"
    )


def test_it_opens_without_a_request_a_script_or_a_complaint(browser: Any, page: Path) -> None:
    opened(browser, page)
    asked = [e["params"]["request"]["url"] for e in browser.said("Network.requestWillBeSent")]
    assert asked == [page.as_uri()]
    assert browser.said("Runtime.exceptionThrown", "Log.entryAdded") == []
    assert browser.js("window.pwned === undefined")
    assert browser.js("document.querySelectorAll('script').length") == 2  # tables alone
    assert browser.js("document.querySelectorAll('img').length") == 0
    assert "</script><script>window.pwned = 1" in browser.js("document.body.textContent")


def test_charts_hold_their_texts_and_names_do_not_lie_on_one_another(
    browser: Any, page: Path
) -> None:
    opened(browser, page)
    assert browser.charts() == 7
    boxes = browser.js(
        "[...document.querySelectorAll('#cost .on-wide svg text.tick')].map((t) => { const b = t.getBBox(); "
        "return [t.textContent, b.x, b.y, b.x + b.width, b.y + b.height]; })"
    )
    assert len(boxes) > 20
    for i, (name, *a) in enumerate(boxes):
        for other, *b in boxes[i + 1 :]:
            # Letters are lower than their box: two units of it are air.
            apart = a[2] <= b[0] or b[2] <= a[0] or a[3] - 2 <= b[1] + 2 or b[3] - 2 <= a[1] + 2
            assert apart, (name, other)


def test_links_lead_to_sections_and_tables_can_be_opened(browser: Any, page: Path) -> None:
    opened(browser, page)
    links = browser.js("[...document.querySelectorAll('nav a')].map((a) => a.getAttribute('href'))")
    assert len(links) == 9
    assert all(browser.js(f"document.querySelector({link!r}) !== null") for link in links)
    browser.click("#comparisons summary")
    assert browser.js("document.querySelector('#comparisons details').open")


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (400, 800)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_first_screen_has_the_verdict_and_the_curves(
    browser: Any, page: Path, width: int, height: int, theme: str
) -> None:
    with browser.screen(width, height, mobile=width < 600, theme=theme):
        opened(browser, page)
        assert browser.js("document.querySelector('main .lead').textContent").endswith(".")
        tiles = browser.js("[...document.querySelectorAll('.tile')].map((t) => t.innerText)")
        assert len(tiles) == 3
        assert all(re.search(r"\d %\n(.*\n)+95 %: .*\n[\d,]+ tokens", t) for t in tiles)
        bottom = browser.js(
            "[...document.querySelectorAll('main svg.chart')].find((s) => s.getBoundingClientRect().width).getBoundingClientRect().bottom"
        )
        assert bottom <= height
        assert browser.charts() == 7
        claims = browser.js("document.getElementById('verdict').getBoundingClientRect().top")
        assert claims > bottom
        ARTIFACTS.mkdir(exist_ok=True)
        browser.screenshot(ARTIFACTS / f"study-{width}-{theme}.png")


def test_its_tables_sort_and_can_be_taken_along(browser: Any, page: Path) -> None:
    opened(browser, page)
    n = browser.js("document.querySelectorAll('div.table tbody').length")
    assert browser.js("document.querySelectorAll('.get').length") == n > 8
    cells = "[...document.querySelectorAll('#cost tbody tr')].map((r) => r.cells[4].textContent)"
    browser.js("document.querySelectorAll('#cost thead .sort')[4].click()")
    found = [float(c) for c in browser.js(cells)]
    assert found == sorted(found)


def test_a_small_screen_needs_no_sideways_scrolling(browser: Any, page: Path) -> None:
    with browser.screen(390, mobile=True):
        opened(browser, page)
        assert browser.js("document.documentElement.scrollWidth") <= 390
