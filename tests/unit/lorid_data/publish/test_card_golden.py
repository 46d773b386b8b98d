"""Every dataset card, rendered from manifests, equals its golden file.

A changed template: look at the difference, then `LORID_UPDATE_GOLDEN=1 pytest` this file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt

from lorid_data.publish.card import dataset_card
from lorid_data.publish.card_fields import CardFields
from lorid_data.publish.chain import Chain, Link
from lorid_data.publish.contents import Facts
from lorid_data.publish.gates import Gate, check_gates
from lorid_data.schema import Manifest

GOLDEN = Path(__file__).parents[3] / "golden" / "cards"
CASES = sorted(p.stem for p in GOLDEN.glob("*.json") if not p.stem.startswith("adapter"))


def render(name: str, folder: Path) -> str:
    body = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    links = tuple(
        Link(folder, Manifest.model_validate(m), str(i) * 64) for i, m in enumerate(body["stages"])
    )
    chain = Chain(links, links[0].manifest.parent_sha256)
    gates = check_gates(chain, body["allow"])
    if body["audit"]:
        met = Gate(
            name="audit", is_met=True, is_allowed=False, why="every gate of the audit is met"
        )
        gates = (*gates[:2], met)
    return dataset_card(
        chain,
        Facts.model_validate(body["facts"]),
        gates,
        CardFields.model_validate(body["words"]),
        repo_id="me/mine",
        tag="v1",
        audit=body["audit"],
        labels=body["labels"],
    )


@pytest.mark.parametrize("name", CASES)
def test_a_card_is_its_golden_file(name: str, tmp_path: Path) -> None:
    text = render(name, tmp_path)
    path = GOLDEN / f"{name}.md"
    if os.environ.get("LORID_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_a_card_holds_no_html_but_ours_and_every_table_is_whole(name: str, tmp_path: Path) -> None:
    card = DatasetCard(render(name, tmp_path))
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(card.text)
    html = {t.content.strip() for t in tokens if t.type == "html_block"}
    assert html <= {"<details><summary>Content hashes</summary>", "</details>"}
    inner = [c for t in tokens for c in (t.children or [])]
    assert not [c for c in inner if c.type in ("html_inline", "image")]
    # A line that begins like a row of a table belongs to one.
    lines = card.text.splitlines()
    rows = [i for i, line in enumerate(lines) if line.startswith("|")]
    covered = {
        i for t in tokens if t.type == "table_open" and t.map for i in range(t.map[0], t.map[1])
    }
    assert set(rows) <= covered
