"""Write docs/schemas: a JSON schema of each configuration file, for editors.

    python scripts/make_schemas.py

With the YAML extension of an editor, put `# yaml-language-server: $schema=…` on a file's first
line, or map `configs/train/*.yaml` to the schema. The keys of `lora` and `sft` are those of the
installed PEFT and TRL, which check them; the schemas leave them open.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from lorid_data.pipeline import STAGES
from lorid_train.config import EvalConfig, TrainConfig
from lorid_train.reinforcement.settings import RlConfig
from lorid_train.rounds.settings import RoundsConfig
from lorid_train.study.agreement_settings import AgreementConfig
from lorid_train.study.settings import StudyConfig

OUT = Path(__file__).parent.parent / "docs" / "schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """By file name."""
    named: dict[str, tuple[type[BaseModel], str]] = {
        "train": (TrainConfig, "lorid-train sft CONFIG"),
        "rl": (RlConfig, "lorid-train rl CONFIG"),
        "evaluate": (EvalConfig, "lorid-train evaluate --config FILE"),
        "study": (StudyConfig, "lorid-train study CONFIG"),
        "rounds": (RoundsConfig, "lorid-train rounds CONFIG"),
        "agreement": (AgreementConfig, "lorid-train study CONFIG"),
    }
    made = {f"{name}.json": _of(model, what) for name, (model, what) in named.items()}
    # Paths and names of an evaluation usually stand on the command line.
    made["evaluate.json"].pop("required", None)
    pairs = {"type": "array", "items": {"type": "string"}}
    for name in (
        "adapters",
        "formats",
        "served",
        "samples",
    ):  # as on the command line: NAME=VALUE …
        made["evaluate.json"]["properties"][name] = {"anyOf": [{"type": "string"}, pairs]}
    made["data.json"] = _pipeline()
    return made


def _of(model: type[BaseModel], what: str) -> dict[str, Any]:
    body = TypeAdapter(model).json_schema(mode="validation")
    return {"$schema": _DIALECT, **body, "title": what}


def _pipeline() -> dict[str, Any]:
    """`lorid-data run CONFIG`: the folder, and a section for each stage."""
    definitions: dict[str, Any] = {}
    sections: dict[str, Any] = {}
    for stage in STAGES:
        body = stage.section.model_json_schema(mode="validation", ref_template="#/$defs/{model}")
        definitions |= body.pop("$defs", {})
        for name, accepted in body.get("properties", {}).items():
            if name in ("against", "source_path") and accepted.get("type") == "array":
                body["properties"][name] = {
                    "anyOf": [{"type": "string"}, accepted]
                }  # one needs no list
        sections[stage.name] = {"anyOf": [body, {"type": "null"}]}
    return {
        "$schema": _DIALECT,
        "title": "lorid-data run CONFIG",
        "type": "object",
        "additionalProperties": False,
        "properties": {"out": {"type": "string", "description": "Where the stages' folders go."}, **sections},
        "required": ["out", "build"],
        "$defs": definitions,
    }  # fmt: skip


def text_of(body: dict[str, Any]) -> str:
    """A schema as it stands in its file."""
    return json.dumps(body, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def main() -> None:
    """Write them all."""
    OUT.mkdir(parents=True, exist_ok=True)
    for name, body in schemas().items():
        (OUT / name).write_text(text_of(body), encoding="utf-8")


if __name__ == "__main__":
    main()
