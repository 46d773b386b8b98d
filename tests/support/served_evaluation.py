"""Datasets, adapters without training, and configurations for evaluations over fake servers.

Loaded with `runpy.run_path` by the tests that want them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lorid_data.folders.records import write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, make_problem, row_ids
from lorid_data.testing.fake_vllm import FakeVllm
from lorid_train import formats
from lorid_train.config import EvalConfig
from lorid_train.models import adapters, base_model

RULE = "Add the two numbers.\nWrite the sum."


def questions(n: int, *, knowledge: bool = True) -> list[Record]:
    problems = [
        make_problem(
            source="gsm8k", split="test", question=f"What is {i} + {i}?", rationale="Add." + "\nSo." * (i % 2),
            answer=str(2 * i), level=str(i % 2), knowledge=[*RULE.splitlines(), f"Rule {i}."] if knowledge else [],
        )
        for i in range(n)
    ]  # fmt: skip
    return [
        Record(row_id=row, provenance=Provenance(teacher="source"), **p.model_dump())
        for row, p in zip(row_ids(problems), problems, strict=True)
    ]


def dataset(folder: Path, records: list[Record]) -> Path:
    with open_stage(folder, "build", identity={"n": len(records)}) as stage:
        write_dataset(stage, records, [], n_in=len(records))
    return folder


def make_run(tiny_base: Path, root: Path, *, trained: bool = True) -> Path:
    """A run folder of three adapters with their cards: of random weights, or equal to the base."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base, fmt = base_model.resolve(str(tiny_base)), formats.load("plain")
    for i, role in enumerate(adapters.ROLES):
        torch.manual_seed(i)
        config = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=not trained)
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_base), config)
        model.save_pretrained(root / "adapters" / role)
        card = {
            "role": role, "format": fmt.name, "format_sha256": fmt.sha256, "base": str(tiny_base),
            "base_revision": None, "base_fingerprint": base.fingerprint,
        }  # fmt: skip
        adapters.write_metadata(root / "adapters" / role, card)
    return root


def config(run: Path, data: Path, out: Path, *servers: FakeVllm, **changes: Any) -> EvalConfig:
    values: dict[str, Any] = {
        "adapters": adapters.folders_of([str(run)]), "dataset": str(data), "out": str(out), "rounds": 4,
        "engine": "server", "server": [s.url for s in servers], "max_new_tokens": 64, "batch_size": 8,
    }  # fmt: skip
    return EvalConfig(**(values | changes))
