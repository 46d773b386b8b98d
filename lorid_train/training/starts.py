"""Adapters that a run goes on from (`init`): found, held against the run, put onto the base model.

A continued adapter is the same matrices, trained further: base, tokenizer, format, prompt and LoRA
settings must be those it was made with. What it was trained on before stays known by hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lorid_data import prompts
from lorid_data.errors import ConfigError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.names import MANIFEST
from lorid_train import formats, roles
from lorid_train.config import PAPER_LORA, TrainConfig
from lorid_train.models.adapters import WEIGHTS, folders_of, own_metadata
from lorid_train.models.base_model import Base, load_config
from lorid_train.models.fetching import fetch
from lorid_train.models.fitting import refuse_misfit
from lorid_train.models.untrusted import read_object
from lorid_train.training import trained_on
from lorid_train.training.trained_on import TrainedOn

_FREE = frozenset({"lora_dropout"})
"""Settings of an adapter that are no part of it: they may change when its training goes on."""
_NOT_OF_THE_ADAPTER = frozenset({
    "base_model_name_or_path", "task_type", "peft_type", "peft_version", "inference_mode", "auto_mapping",
    "revision", "runtime_config",
})  # fmt: skip
_CARRIED = ("weights_sha256", "data_manifest_sha256", "trained_on_known", "init")


@dataclass(frozen=True, slots=True)
class Start:
    """The adapter that a role's training goes on from.

    Attributes:
        folder: where it lies.
        name: what a user would ask for to get it again.
        card: its `lorid.json`.
        lora: fields of `peft.LoraConfig` that it was made with, the defaults left out.
        sha256: of its weights.
        before: the questions that it was trained on; None where that is not recorded.
    """

    folder: Path
    name: str
    card: Mapping[str, Any]
    lora: dict[str, Any]
    sha256: str
    before: tuple[TrainedOn, ...] | None

    @property
    def provenance(self) -> dict[str, Any]:
        """What the card of the continued adapter says of it, and of what it went on from itself."""
        said = {
            "weights_sha256": self.sha256,
            "data_manifest_sha256": self.card.get("data_manifest_sha256"),
            "trained_on_known": self.before is not None,
            "init": self.card.get("init"),
        }
        return {k: said[k] for k in _CARRIED if said[k] is not None}


def starts_of(config: TrainConfig, base: Base) -> dict[str, Start]:
    """By role, the adapter to go on from; nothing where the run starts anew.

    Raises:
        ConfigError: an adapter is missing, was not trained by this project, or does not fit the
            run's base, tokenizer, format, prompt or LoRA settings; all problems.
    """
    if config.init is None:
        return {}
    places = folders_of([config.init]) if isinstance(config.init, str) else config.init
    if missing := [r for r in config.roles if r not in places]:
        msg = (
            f"init: no adapter for {', '.join(missing)}; there are {', '.join(places)}: "
            "name one for each role, or train fewer roles"
        )
        raise ConfigError(msg)
    found, problems = {}, list[str]()
    for role in config.roles:
        try:
            start = _opened(places[role], role)
        except ConfigError as e:
            problems += [f"init, role {role!r}: {p}" for p in e.problems]
            continue
        found[role] = start
        problems += [f"init, role {role!r}: {p}" for p in _misfits(start, config, role, base)]
    if problems:
        raise ConfigError(*problems)
    for start in found.values():
        _check_weights(start, base)
    return found


def settled(config: TrainConfig, starts: Mapping[str, Start]) -> TrainConfig:
    """The configuration with each role's LoRA settings: those of the adapter it goes on from."""
    if not starts:
        return config
    own = {r: dict(body) for r, body in config.per_role.items()}
    for role, start in starts.items():
        dropout = {k: v for k, v in _given(config, role).items() if k in _FREE}
        own[role] = {**own.get(role, {}), "lora": {**start.lora, **dropout}}
    return config.model_copy(update={"lora": {}, "per_role": own})


def put_onto(model: Any, start: Start) -> None:
    """Give PEFT's fresh adapter the weights of the one to go on from."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    set_peft_model_state_dict(model, load_file(str(start.folder / WEIGHTS)))


def _check_weights(start: Start, base: Base) -> None:
    """Hold the shapes of an adapter's weights against those that its settings make; nothing is loaded.

    PEFT passes over weights that are missing, and the run would go on from something else.

    Raises:
        ConfigError: they differ, cannot be read or are no numbers, or the adapter cannot be put onto this base.
    """
    import torch
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
    from safetensors import SafetensorError, safe_open
    from transformers import AutoModelForCausalLM

    bare = {**start.lora, "init_lora_weights": False}
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(load_config(base), trust_remote_code=False)
        try:
            made = get_peft_model(
                model, LoraConfig(task_type="CAUSAL_LM", **bare), low_cpu_mem_usage=True
            )
        except (ValueError, TypeError) as e:
            raise ConfigError(f"{start.name}: cannot be put onto {base.name!r}: {e}") from e
        wanted = {k: tuple(v.shape) for k, v in get_peft_model_state_dict(made).items()}
    try:
        with safe_open(str(start.folder / WEIGHTS), framework="np") as file:
            given = {k: tuple(file.get_slice(k).get_shape()) for k in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as e:
        raise ConfigError(f"{start.name}: {WEIGHTS} cannot be read ({e}); put it back as it was") from e  # fmt: skip
    odd = sorted(k for k in {*wanted, *given} if wanted.get(k) != given.get(k))
    if odd:
        msg = (
            f"{start.name}: its weights are not those that its adapter_config.json says "
            f"(the first is {odd[0]!r}); take an adapter folder as lorid-train sft wrote it"
        )
        raise ConfigError(msg)
    refuse_misfit(start.folder, base)


def with_before(rows: list[TrainedOn], start: Start | None) -> list[TrainedOn]:
    """The questions of a role's rows and those that its adapter had been trained on before."""
    known = {r.problem_id for r in rows}
    before = (start.before or ()) if start is not None else ()
    return rows + [r for r in before if r.problem_id not in known]


def _opened(place: str, role: str) -> Start:
    inner = Path(place) / "adapters" / role
    fetched = fetch(str(inner) if inner.is_dir() else place)
    card = own_metadata(fetched.folder)
    config = read_object(fetched.folder / "adapter_config.json", fetched.name)
    return Start(
        folder=fetched.folder,
        name=fetched.name,
        card=card,
        lora=_lora_of(config),
        sha256=sha256_file(fetched.folder / WEIGHTS),
        before=_before(fetched.folder, str(card.get("role"))),
    )


def _before(adapter: Path, role: str) -> tuple[TrainedOn, ...] | None:
    """The questions that a run says it trained a role on; None outside of a run, or of old ones."""
    run = adapter.resolve().parent.parent
    if adapter.resolve().parent.name != "adapters" or not (run / MANIFEST).is_file():
        return None
    kept = trained_on.read(run)
    return None if kept is None else tuple(r for r in kept if r.role == role)


def _defaults() -> dict[str, Any]:
    """The fields of `peft.LoraConfig` that make an adapter, as JSON writes their defaults."""
    from peft import LoraConfig

    made = LoraConfig(task_type="CAUSAL_LM").to_dict()
    own = {f.name for f in fields(LoraConfig)} - _NOT_OF_THE_ADAPTER
    body: dict[str, Any] = json.loads(json.dumps({k: v for k, v in made.items() if k in own}, default=str))  # fmt: skip
    return body


def _lora_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a `LoraConfig` must be given to be that of an `adapter_config.json`."""
    default = _defaults()
    # The run's own defaults are the paper's, so these four are named whatever they are.
    return {
        k: config[k]
        for k in default
        if k in config and (k in PAPER_LORA or config[k] != default[k])
    }


def _given(config: TrainConfig, role: str) -> dict[str, Any]:
    """What the configuration itself says of a role's adapter."""
    return {**config.lora, **config.per_role.get(role, {}).get("lora", {})}


def _misfits(start: Start, config: TrainConfig, role: str, base: Base) -> list[str]:
    """Why a run cannot go on from an adapter, one sentence each."""
    card, where, problems = start.card, start.name, list[str]()
    if card.get("role") != role:
        problems.append(
            f"{where}: was trained for the role {card.get('role')!r}; name an adapter of {role!r}"
        )
    if card.get("base_fingerprint") != base.fingerprint:
        problems.append(f"{where}: was trained on another base model ({card.get('base')!r}) than {base.name!r}; set base to that one")  # fmt: skip
    elif base.tokenizer is not None and card.get("tokenizer_sha256") not in (None, base.tokenizer):
        problems.append(f"{where}: was trained with another tokenizer or chat template than {base.name!r} has now; put the old files back")  # fmt: skip
    fmt = formats.load(config.format)
    if (card.get("format"), card.get("format_sha256")) != (fmt.name, fmt.sha256):
        problems.append(f"{where}: was trained with the format {card.get('format')!r}, the run has {fmt.name!r}; set format to that of the adapter")  # fmt: skip
    if fmt.prompt is None and card.get("template_date") != config.template_date:
        problems.append(f"{where}: was trained with the template date {card.get('template_date')!r}; set template_date to it")  # fmt: skip
    if card.get("prompt_sha256") != prompts.load(roles.role(role).prompt_id).sha256:
        problems.append(f"{where}: was trained with another prompt ({card.get('prompt')!r}) than the role has here; train it anew")  # fmt: skip
    whole = {**_defaults(), **start.lora}
    problems += [
        f"lora: {k} is {v!r} here and {whole.get(k)!r} in {where}; leave it out to go on from that adapter"
        for k, v in _given(config, role).items()
        if k not in _FREE and _plain(v) != _plain(whole.get(k))
    ]
    return problems


def _plain(value: Any) -> Any:
    """A setting as it is compared: lists are sets of names."""
    return sorted(value) if isinstance(value, list | tuple | set) else value
