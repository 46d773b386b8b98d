"""Every card of adapters, rendered from cards, figures and metrics, equals its golden file.

A changed template: look at the difference, then `LORID_UPDATE_GOLDEN=1 pytest` this file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

from lorid_train.metrics.rows import Metric
from lorid_train.publish.card import CardFields, Evaluation, adapter_card
from lorid_train.publish.contents import TrainedAdapter

GOLDEN = Path(__file__).parents[3] / "golden" / "cards"
CASES = sorted(p.stem for p in GOLDEN.glob("adapter_*.json"))


def render(name: str) -> str:
    body = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    roles = [TrainedAdapter(folder=Path("run"), **r) for r in body["roles"]]
    evaluations = [
        Evaluation(**{**e, "metrics": tuple(Metric.model_validate(m) for m in e["metrics"])})
        for e in body["evaluations"]
    ]
    words = CardFields(**{**body["words"], "base": tuple(body["words"]["base"])})
    return adapter_card(roles, evaluations, words, body["repo_id"])


@pytest.mark.parametrize("name", CASES)
def test_a_card_is_its_golden_file(name: str) -> None:
    text = render(name)
    path = GOLDEN / f"{name}.md"
    if os.environ.get("LORID_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_a_card_holds_no_html_and_every_table_is_whole(name: str) -> None:
    card = ModelCard(render(name))
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(card.text)
    assert not [t for t in tokens if t.type == "html_block"]
    assert not [c for t in tokens for c in t.children or () if c.type in ("html_inline", "image")]
    rows = {i for i, line in enumerate(card.text.splitlines()) if line.startswith("|")}
    covered = {
        i for t in tokens if t.type == "table_open" and t.map for i in range(t.map[0], t.map[1])
    }
    assert rows <= covered


def test_the_evaluation_is_model_index_with_intervals() -> None:
    data = ModelCard(render("adapter_dr")).data.to_dict()
    [result] = data["model-index"][0]["results"]
    first = result["metrics"][0]
    assert (first["type"], first["value"], first["name"]) == (
        "accuracy",
        0.765,
        "accuracy, ir-greedy",
    )
    assert first["args"] == {"ci_low": 0.702, "ci_high": 0.818, "n": 200, "method": "wilson"}
    assert len(result["metrics"]) == 3  # no value, no result
