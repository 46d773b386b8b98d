"""What `cg_votes` counts belongs to what an evaluation is wherever it is reported: under any rule."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lorid_train.config import EvalConfig
from lorid_train.evaluation import evaluate
from lorid_train.interaction import votes_files


def test_votes_of_a_file_are_named_under_any_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "manifest_sha256", lambda _: "0" * 64)
    path = tmp_path / "votes.json"
    path.write_text(votes_files.DEFAULT.text(), encoding="utf-8")
    adapters: Any = SimpleNamespace(
        sha256={}, folders={}, wholes={}, base=SimpleNamespace(fingerprint="f", tokenizer=None),
        format=SimpleNamespace(name="plain", sha256="0"),
    )  # fmt: skip

    def named(**changes: Any) -> Any:
        config = EvalConfig(adapters={}, dataset="data", out="eval", **changes)
        return evaluate._identity(config, adapters, None).get("votes_sha256")

    assert named(rule="any_two") is None
    assert (
        named(rule="any_two", votes_file=str(path))
        == named(rule="cg_votes")
        == votes_files.DEFAULT.sha256
    )
