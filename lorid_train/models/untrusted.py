"""What a downloaded model or adapter may not decide: which code runs, and which model is loaded.

transformers and PEFT follow several keys of the files that lie beside weights: to Python files of
the repository, to kernels on the Hub, to modules to import, to another base model. None of them
is needed for what is trained or evaluated here, so a file that has one is refused before anything
is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_data.texts import strict_json

READ_BY_TRANSFORMERS = (
    "config.json", "generation_config.json", "tokenizer_config.json", "processor_config.json",
    "preprocessor_config.json", "adapter_config.json",
)  # fmt: skip
"""Files of a base model that are looked into before transformers reads them."""
ADAPTER_CONFIG = "adapter_config.json"
_MAX_CONFIG_BYTES = 16 * 2**20
_CODE = "would run code that the model's author wrote, which is never done here"
_KERNEL = "would choose kernels, which may come from the Hub"
_REFUSED = {
    "auto_map": _CODE,
    "custom_pipelines": _CODE,
    "custom_generate": _CODE,
    "attn_implementation": _KERNEL,
    "_attn_implementation": _KERNEL,
    "_attn_implementation_internal": _KERNEL,
    "experts_implementation": _KERNEL,
    "_experts_implementation": _KERNEL,
    "_experts_implementation_internal": _KERNEL,
    "use_kernels": _KERNEL,
    "kernel_config": _KERNEL,
}
_PATTERN_KEYS = ("target_modules", "exclude_modules", "layers_pattern", "target_parameters")
_PATTERN_MAPS = ("rank_pattern", "alpha_pattern")
# A module's name has some 60 characters: each unbounded repetition multiplies the ways in which a
# match may fail by so many, an optional part by two, a group by its alternatives. A repeated group
# that repeats inside is exponential.
_MAX_PATTERN_CHARS, _NAME_CHARS, _MAX_WAYS = 2_000, 60, 60**4 * 16
_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{\d*,?\d*\})|\\[1-9]|\(\?P=")
_ONE_CHARACTER = re.compile(r"\\.|\[\^?\]?[^\]]*\]", re.DOTALL)
_QUANTIFIER = re.compile(r"([*+?]|\{\d*,?\d*\})[?+]?")


def refuse_code(name: str, files: Iterable[Path]) -> None:
    """Refuse a base model whose files decide what they may not.

    Args:
        name: the base, as messages call it.
        files: those of `READ_BY_TRANSFORMERS` that it has.

    Raises:
        ConfigError: a key that leads to code or to another model; all of them.
    """
    problems = []
    for path in files:
        if path.name == ADAPTER_CONFIG:
            problems.append(
                f"base {name!r}: holds {ADAPTER_CONFIG}, so that an adapter, or the base that it "
                "names, would be loaded in its place; name a folder with a model alone"
            )
            continue
        problems += [
            f"base {name!r}: {path.name} has {key!r}, which {_REFUSED[key]}; use a model without "
            f"it, or a copy of the folder with {key!r} taken out"
            for key in dict.fromkeys(_refused_in(read_object(path, f"base {name!r}")))
        ]
    if problems:
        raise ConfigError(*problems)


def refuse_adapter_config(folder: Path, where: str) -> None:
    """Refuse an adapter whose configuration imports modules, or matches names for ever.

    Raises:
        ConfigError: as said; or the file is no JSON object.
    """
    path = folder / ADAPTER_CONFIG
    if not path.is_file():
        return
    body = read_object(path, where)
    problems = [
        f"{where}: {ADAPTER_CONFIG} has {key!r}, which {_REFUSED[key]}; take it out"
        for key in dict.fromkeys(_refused_in(body))
    ]
    if body.get("megatron_config"):
        problems.append(
            f"{where}: {ADAPTER_CONFIG} has 'megatron_config', by which PEFT imports the module "
            f"{body.get('megatron_core')!r}; take it out"
        )
    problems += [f"{where}: {ADAPTER_CONFIG}: {p}" for p in _slow_patterns(body)]
    if problems:
        raise ConfigError(*problems)


def read_object(path: Path, where: str) -> dict[str, Any]:
    """A JSON file of somebody else that must be an object.

    Raises:
        ConfigError: it cannot be read, is larger than 16 MiB, nested too deep or no object.
    """
    try:
        if path.stat().st_size > _MAX_CONFIG_BYTES:
            raise ConfigError(
                f"{where}: {path.name} is larger than 16 MiB; this is no configuration"
            )
        body = strict_json.parse(path.read_bytes())
    except (OSError, ValueError) as e:
        raise ConfigError(f"{where}: {path.name} cannot be read ({e})") from e
    if not isinstance(body, dict):
        kind = type(body).__name__
        raise ConfigError(f"{where}: {path.name} is a {kind}, where an object is expected")
    return body


def _refused_in(node: object) -> Iterator[str]:
    """Refused keys with a value, at any depth: a model of several parts has a configuration of each."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in _REFUSED and value not in (None, False, {}, []):
                yield key
            yield from _refused_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from _refused_in(value)


def _slow_patterns(body: dict[str, Any]) -> Iterator[str]:
    """PEFT takes some texts of an adapter's configuration as regular expressions."""
    for key in _PATTERN_KEYS:
        if isinstance(body.get(key), str):
            yield from _slow(key, body[key])
    for key in _PATTERN_MAPS:
        patterns = body.get(key) or {}
        for text in patterns if isinstance(patterns, dict) else ():
            yield from _slow(key, text)


def _slow(key: str, pattern: str) -> Iterator[str]:
    """Why a pattern is not taken; one that is too long is not even compiled."""
    said = f"{key} could take for ever to match: {pattern[:60]!r}; list the modules' names"
    if len(pattern) > _MAX_PATTERN_CHARS:
        yield said
        return
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as e:
        yield f"{key} is no regular expression ({e}): {pattern[:60]!r}"
        return
    if _REPEATED_GROUP.search(pattern) or _ways(pattern) > _MAX_WAYS:
        yield said


def _ways(pattern: str) -> int:
    """In how many ways a match of a module's name may be tried, at most."""
    plain = _ONE_CHARACTER.sub("a", pattern).replace("(?", "(")
    ways = 1
    for quantifier in _QUANTIFIER.findall(plain):
        ways *= 2 if quantifier in ("?", "{0,1}", "{,1}") else _NAME_CHARS
    alternatives = [1]
    for sign in plain:
        if sign == "(":
            alternatives.append(1)
        elif sign == "|":
            alternatives[-1] += 1
        elif sign == ")" and len(alternatives) > 1:
            ways *= alternatives.pop()
        if ways > _MAX_WAYS:
            break
    return ways * alternatives[0]
