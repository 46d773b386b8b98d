"""Adapters that another program trained, in the layout of PEFT and LLaMA-Factory.

They carry no card of ours. What it would say is read from their own files: the base model from
`adapter_config.json`, and the prompt format from the chat template that LLaMA-Factory stored,
which is the one it trained with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_data.texts import strict_json
from lorid_train import formats

CONFIG = "adapter_config.json"
TOKENIZER = "tokenizer_config.json"
TEMPLATE = "chat_template.jinja"


def foreign_metadata(
    folder: Path, where: str, role: str, format_name: str | None
) -> dict[str, Any]:
    """A card for an adapter without one; what is not known in it is None.

    Args:
        folder: the adapter's folder.
        where: how messages call it.
        role: what it is given as.
        format_name: the prompt format, where the user says it.

    Raises:
        ConfigError: it is no LoRA adapter, or its format cannot be told.
    """
    config = _read(folder / CONFIG, where)
    if config.get("peft_type") != "LORA":
        msg = f"{where}: peft_type is {config.get('peft_type')!r}; only LORA adapters are read"
        raise ConfigError(msg)
    name = format_name or detected(folder, where)
    return {
        "role": role,
        "format": name,
        "format_sha256": formats.load(name).sha256,
        "base": str(config.get("base_model_name_or_path") or ""),
        "base_revision": config.get("revision"),
        "base_fingerprint": None,
    }


def detected(folder: Path, where: str) -> str:
    """The format that an adapter's own chat template stands for.

    Raises:
        ConfigError: it has no template, or one that is not known.
    """
    template = chat_template(folder)
    hint = f"name its prompt format with --format; there are {', '.join(formats.names())}"
    if not template:
        msg = f"{where}: stores no chat template, so its prompt format is unknown; {hint}"
        raise ConfigError(msg)
    name = formats.detect(template)
    if name is None:
        msg = f"{where}: its chat template is none that is known here ({template[:60]!r} …); {hint}"
        raise ConfigError(msg)
    return name


def chat_template(folder: Path) -> str | None:
    """The chat template stored beside an adapter, in any of the places transformers writes it to."""
    if (folder / TEMPLATE).is_file():
        return (folder / TEMPLATE).read_text(encoding="utf-8")
    if not (folder / TOKENIZER).is_file():
        return None
    stored = _read(folder / TOKENIZER, str(folder)).get("chat_template")
    if isinstance(stored, list):  # several, by name
        named = {t.get("name"): t.get("template") for t in stored if isinstance(t, dict)}
        stored = named.get("default")
    return stored if isinstance(stored, str) else None


def _read(path: Path, where: str) -> dict[str, Any]:
    try:
        body = strict_json.parse(path.read_bytes())
    except (OSError, ValueError) as e:
        msg = f"{where}: {path.name} cannot be read ({e})"
        raise ConfigError(msg) from e
    if not isinstance(body, dict):
        msg = f"{where}: {path.name} is a {type(body).__name__}, where an object is expected"
        raise ConfigError(msg)
    return body
