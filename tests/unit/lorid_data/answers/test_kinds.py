"""The kinds of `docs/answers.md`: pairs and texts written from them before the code knew them.

`given` is what the code says where it does not say what is wanted: mostly `unparsed`, which claims nothing.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.answers import equal

pytestmark = pytest.mark.usefixtures("answers_prepared")


def _cases(name: str) -> list[dict[str, Any]]:
    path = Path(__file__).parents[3] / "golden" / name
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


PAIRS = _cases("answers_kinds_equality.jsonl")


@pytest.mark.parametrize("kind", sorted({c["kind"] for c in PAIRS}))
def test_pairs_in_both_orders(kind: str) -> None:
    wrong = [
        (a, b, str(found), case["verdict"])
        for case in PAIRS
        if case["kind"] == kind
        for a, b in ((case["a"], case["b"]), (case["b"], case["a"]))
        if (found := equal(a, b)) != case.get("given", case["verdict"])
    ]
    assert not wrong


def test_none_that_must_differ_is_called_equal() -> None:
    """At least a third of the pairs must not be equal, and none is."""
    different = [c for c in PAIRS if c["verdict"] != "equal"]
    assert len(different) * 3 >= len(PAIRS)
    assert [c for c in different if c.get("given") == "equal"] == []
