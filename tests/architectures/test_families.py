"""docs/architectures.md, row by row: what is said of a family is what it does."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")
ROOT = Path(__file__).parents[2]
rows = SimpleNamespace(**runpy.run_path(str(ROOT / "tests" / "support" / "architecture_rows.py")))
SAID = rows.read_table((ROOT / "docs" / "architectures.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(rows.tiny.dataset(tmp_path_factory.mktemp("data") / "d"))


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(
            f, marks=pytest.mark.slow if f in rows.tiny.QUICK else pytest.mark.architectures
        )
        for f in rows.tiny.FAMILIES
    ],
)
def test_a_family_does_what_its_row_says(family: str, data: Path, tmp_path: Path) -> None:
    assert rows.row(family, data, tmp_path / "row") == SAID[family]


def test_the_page_is_what_its_rows_make_it() -> None:
    page = (ROOT / "docs" / "architectures.md").read_text(encoding="utf-8")
    assert rows.written(page, list(SAID.values())) == page


def test_no_row_is_silently_different_and_most_are_equal() -> None:
    assert set(SAID) == set(rows.tiny.FAMILIES)
    cells = [c for row in SAID.values() for c in row[1:]]
    assert all(c.startswith(("yes", "refused: ", "–")) for c in cells)
    equal = [f for f, row in SAID.items() if row[1].startswith("yes")]
    assert len(equal) >= 75
