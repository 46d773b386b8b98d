"""Adapters put on a base model side by side: all of their tensors, or none.

PEFT loads what it recognises. A tensor under another name is passed over, with a warning at most,
and the bare base answers in the adapter's place.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_data.texts import strict_json

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
_PREFIX = "base_model.model."
_STARTS = ("gaussian", "orthogonal", "eva")
"""Names of starting values that leave the base model as it is."""


def with_adapters(model: Any, adapters: Mapping[str, str | Path], device: str) -> Any:
    """The base model with its adapters loaded side by side, in evaluation mode.

    Raises:
        ConfigError: an adapter has a tensor that this model does not take, lacks one that it
            needs, would change the base model itself or holds what is no number; one that starts
            by changing the base (PiSSA, OLoRA and their like, as PEFT saves them).
    """
    from peft import PeftModel

    problems: list[str] = []
    own = dict(model.named_parameters())
    # PEFT looks for rows of embeddings in every adapter that comes after one that has some.
    for name, path in sorted(adapters.items(), key=lambda a: _has_token_rows(Path(a[1]))):
        folder = Path(path)
        if broken := _broken(folder, own):
            problems += broken
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of missing tensors, which are refused below
                if not hasattr(model, "peft_config"):
                    model = PeftModel.from_pretrained(model, str(folder), adapter_name=name)
                found = model.load_adapter(str(folder), adapter_name=name)
        except (ValueError, RuntimeError, KeyError, TypeError) as e:
            why = str(e).splitlines()
            hint = next(
                (line.strip() for line in why if "size mismatch" in line), why[0] if why else ""
            )
            problems.append(f"{folder}: does not fit this base model ({hint[:300]})")
            break
        problems += _misfits(folder, name, found)
    if problems:
        raise ConfigError(*problems)
    return model.to(device).eval()


def _has_token_rows(folder: Path) -> bool:
    """Whether an adapter has rows of embeddings of its own; a file that cannot be read is refused elsewhere."""
    try:
        return bool(
            strict_json.parse((folder / CONFIG).read_bytes()).get("trainable_token_indices")
        )
    except (OSError, ValueError, AttributeError):
        return False


def _misfits(folder: Path, adapter: str, found: Any) -> list[str]:
    """What PEFT passed over."""
    problems = []
    # PEFT looks for the adapter's name anywhere in a key: "b" is in every "base_model".
    missing = [k for k in found.missing_keys if adapter in k.split(".")]
    for names, words in (
        (found.unexpected_keys, "holds {!r}{}, which this base model does not take"),
        (missing, "lacks {!r}{}, which its configuration asks for"),
    ):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            what = words.format(sorted(names)[0], more)
            problems.append(
                f"{folder}: {what}; it is another model's, or its tensors were renamed: the bare base would "
                "answer in its place"
            )
    return problems


def _broken(folder: Path, own: Mapping[str, Any]) -> list[str]:
    """Tensors that are no numbers, and those that would take the place of the base's own."""
    from safetensors import SafetensorError, safe_open

    problems = []
    try:
        config = strict_json.parse((folder / CONFIG).read_bytes())
        start = config.get("init_lora_weights", True)
        if isinstance(start, str) and start not in _STARTS:  # PEFT does it again when it loads
            problems.append(
                f"{folder}: starts by changing the base model (init_lora_weights {start!r}), which all adapters share; "
                "train it again, or save it as plain LoRA with PEFT's path_initial_model_for_weight_conversion"
            )
        saved = tuple(
            f".{n}." for n in config.get("modules_to_save") or ()
        )  # the adapter's own copies
        with safe_open(str(folder / WEIGHTS), framework="pt") as file:
            for key in file.keys():  # noqa: SIM118  (no mapping)
                tensor = file.get_tensor(key)
                if not tensor.isfinite().all():
                    problems.append(f"{folder}: {key!r} holds what is no number; train it again")
                base = own.get(key.removeprefix(_PREFIX))
                if base is None or any(n in f".{key}" for n in saved):
                    continue
                if not _same(base, tensor):
                    problems.append(
                        f"{folder}: holds another {key.removeprefix(_PREFIX)!r} of the base model itself, which all "
                        "adapters share; its vocabulary was resized, or the base was trained"
                    )
    except (OSError, ValueError, SafetensorError) as e:
        problems.append(f"{folder}: {WEIGHTS} or {CONFIG} cannot be read ({e})")
    return problems


def _same(base: Any, tensor: Any) -> bool:
    """Equal, or of one shape where the base has no weights (a model on PyTorch's device `meta`)."""
    if base.shape != tensor.shape or base.is_meta:
        return bool(base.shape == tensor.shape)
    return bool((base.detach().cpu() == tensor.to(base.dtype)).all())
