"""Keys of `lora` and `sft` held against what PEFT and TRL know, without importing either.

Their imports take seconds, and a slip of the pen should be said at once. The names of the fields
are read from the text of the installed classes; where that does not work, by importing them.
"""

from __future__ import annotations

import ast
from dataclasses import fields
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lorid_data.errors import unknown_key
from lorid_train.config import TrainConfig

MANAGED = frozenset({
    "output_dir", "dataset_kwargs", "max_length", "seed", "data_seed", "use_cpu", "disable_tqdm",
    "save_strategy", "save_total_limit", "push_to_hub", "hub_token", "hub_model_id", "completion_only_loss",
    "assistant_only_loss", "remove_unused_columns", "logging_nan_inf_filter", "model_init_kwargs", "trust_remote_code",
    "resume_from_checkpoint", "do_train", "do_eval", "do_predict", "save_only_model", "eval_packing",
})  # fmt: skip
"""Fields of SFTConfig that the run sets itself, or that would change what is trained in silence."""
_BOTH = (
    ("transformers", "training_args.py", "TrainingArguments"),
    ("trl", "trainer/base_config.py", "_BaseConfig"),
)
_SFT = (*_BOTH, ("trl", "trainer/sft_config.py", "SFTConfig"))
_LORA = (
    ("peft", "config.py", "PeftConfigMixin"),
    ("peft", "config.py", "PeftConfig"),
    ("peft", "tuners/lora/config.py", "LoraConfig"),
)


@cache
def known_fields() -> dict[str, frozenset[str]]:
    """The fields of `peft.LoraConfig` and `trl.SFTConfig`, by section."""
    lora, sft = _read(_LORA), _read(_SFT)
    if lora is None or sft is None:
        lora, sft = imported_fields()
    return {"lora": lora - {"task_type"}, "sft": sft}


@cache
def fields_of(name: str) -> frozenset[str]:
    """The fields of another configuration of TRL's, `GRPOConfig` for one."""
    file = f"trainer/{name.removesuffix('Config').lower()}_config.py"
    found = _read((*_BOTH, ("trl", file, name)))
    if found is None:
        import trl

        found = frozenset(f.name for f in fields(getattr(trl, name)))
    return found


def imported_fields() -> tuple[frozenset[str], frozenset[str]]:
    """The same, of the classes themselves: LoRA's, then SFT's."""
    from peft import LoraConfig
    from trl import SFTConfig

    return (
        frozenset(f.name for f in fields(LoraConfig)),
        frozenset(f.name for f in fields(SFTConfig)),
    )


def _read(parts: tuple[tuple[str, str, str], ...]) -> frozenset[str] | None:
    """The annotated names of classes in the text of installed modules; None where one is not there."""
    found: set[str] = set()
    for package, file, name in parts:
        spec = find_spec(package)
        folders = [Path(f) for f in (spec.submodule_search_locations or ())] if spec else []
        path = next((f / file for f in folders if (f / file).is_file()), None)
        if path is None:
            return None
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bodies = [n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name]
        if not bodies:
            return None
        found |= {
            n.target.id
            for n in bodies[0]
            if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
            and "ClassVar" not in ast.unparse(n.annotation)
        }  # fmt: skip
    return frozenset(found)


def key_problems(config: TrainConfig) -> list[str]:
    """Unknown keys of `lora`, `sft` and `per_role`, and keys that the run sets itself."""
    named = {k for _, body in _sections(config) for given in body.values() for k in given}
    if not named and not config.per_role:
        return []
    known = known_fields()
    problems = []
    for where, body in _sections(config):
        for part, given in body.items():
            if part not in known:
                problems.append(unknown_key(part, known, where.rstrip(".")))
                continue
            problems += [
                unknown_key(k, known[part] - MANAGED, where + part)
                for k in given
                if k not in known[part]
            ]
            problems += [
                f"{where}{part}: {k!r} is set by the run itself; remove it"
                for k in given
                if k in MANAGED
            ]
    return problems


def _sections(config: TrainConfig) -> list[tuple[str, dict[str, dict[str, Any]]]]:
    own = [(f"per_role.{r}.", body) for r, body in config.per_role.items()]
    return [("", {"lora": config.lora, "sft": config.sft}), *own]
