"""What the checks say of a fixed list of rules, word for word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.audit.checks import examine
from lorid_data.schema import Provenance, Record

HEAD, *LINES = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "golden" / "audit_rules.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["rule"][:30] or "empty")
def test_flags_of_a_rule(line: dict[str, Any]) -> None:
    row = Record(
        row_id="r", problem_id="p", original_id="p", source="s", split="t", knowledge=(line["rule"],), provenance=Provenance(teacher="x"),
        **HEAD,
    )  # fmt: skip
    found = examine([row]).get("r", ())
    assert [[f.check, f.evidence] for f in found if f.rule_index is not None] == line["flags"]
