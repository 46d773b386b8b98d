"""The study page in a real browser: whole, quiet, and as wide as the screen."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lorid_train.study_report import write_study

simulated = runpy.run_path(str(Path(__file__).parents[1] / "support" / "simulated_study.py"))
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
    assert browser.js("document.querySelectorAll('script, img').length") == 0
    assert "</script><script>window.pwned = 1" in browser.js("document.body.textContent")


def test_charts_hold_their_texts_and_names_do_not_lie_on_one_another(
    browser: Any, page: Path
) -> None:
    opened(browser, page)
    assert browser.js("document.querySelectorAll('svg.chart').length") == 7
    assert browser.js(
        "[...document.querySelectorAll('svg.chart text')].every((t) => { const b = t.getBBox(); "
        "return b.x >= -1 && b.x + b.width <= 641; })"
    )
    boxes = browser.js(
        "[...document.querySelectorAll('#cost svg text.tick')].map((t) => { const b = t.getBBox(); "
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
    assert len(links) == 8
    assert all(browser.js(f"document.querySelector({link!r}) !== null") for link in links)
    browser.click("#comparisons summary")
    assert browser.js("document.querySelector('#comparisons details').open")


def test_a_small_screen_needs_no_sideways_scrolling(browser: Any, page: Path) -> None:
    with browser.screen(390, mobile=True):
        opened(browser, page)
        assert browser.js("document.documentElement.scrollWidth") <= 390
