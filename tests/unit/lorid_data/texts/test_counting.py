"""One is one: `1 row`, never `1 rows`, anywhere in what the programs say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lorid_data.texts.counting import count

ROOT = Path(__file__).parents[4]
_COUNTED = re.compile(
    r"(?<!of )(?<!all )(?<!the )\{[^{}]*:,\} (rows|rules|questions|requests|problems|replies|files|steps|cells)\b(?!/)"
)


@pytest.mark.parametrize(
    ("n", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1234, "1,234 rows")]
)
def test_a_number_and_its_word(n: int, said: str) -> None:
    assert count(n, "row") == said


def test_irregular_words() -> None:
    assert [count(n, "matrix", "matrices") for n in (1, 2)] == ["1 matrix", "2 matrices"]


def test_no_sentence_of_lorid_data_counts_without_it() -> None:
    """Whoever writes `{n:,} rows` writes `1 rows`, too."""
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / "lorid_data").rglob("*.py"))
        if not {"arithmetic", "concepts", "testing", "pages"} & set(path.parts)
        for line in path.read_text(encoding="utf-8").splitlines()
        if _COUNTED.search(line) and "count(" not in line
    ]
    assert not found
