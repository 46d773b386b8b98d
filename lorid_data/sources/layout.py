"""Which files of a dataset are which split: the Hub's own rules, in their order, as `datasets` has them.

The configurations that the README names; else a split's name in the names of folders; else in the
names of files; else all is `train`. Of several configurations one must be named. What is not read
is said. https://huggingface.co/docs/datasets/repository_structure
"""

from __future__ import annotations

import glob
import posixpath
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.errors import InputError
from lorid_data.folders.names import MANIFEST, RECORDS
from lorid_data.folders.tables import SUFFIXES, format_of
from lorid_data.folders.trees import files_below
from lorid_data.hub.front_matter import front_matter, is_outside
from lorid_data.hub.splits import config_fault

OURS = frozenset({"default", "provenance", "ir"})
"""Configurations by which a dataset of this project is known: the others are made of `default`."""
_NAME = re.compile(r"(\w+?)(?:-\d+-of-\d+)?", re.ASCII)
_ORDER = ("train", "validation", "test")
_NO_DATA = frozenset({"README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"})  # fmt: skip
_OTHER_DATA = (".zip", ".tar", ".xlsx", ".zst", ".xz", ".bz2", ".lz4")


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of each split, train, validation and test first.

    Attributes:
        splits: by name.
        warnings: sentences for people: what is not read, and which configuration is.
    """

    splits: Mapping[str, tuple[Path, ...]]
    warnings: tuple[str, ...] = ()


def layout(folder: Path, config: str | None = None) -> Layout:
    """Which files of a folder are which split.

    Args:
        folder: laid out like a dataset of the Hub, or a dataset folder of this project.
        config: one of its configurations.

    Raises:
        InputError: no table there, several configurations and none named, or an unknown one; the
            root of the file system, or a tree of very many files.
    """
    if (folder / RECORDS).is_file() and (folder / MANIFEST).is_file():
        return Layout({"train": (folder / RECORDS,)})  # each row names its split
    files = _files(folder)
    configs = _configs(folder)
    name, said = _chosen(folder, configs, config)
    found = _found(folder, configs.get(name or "", {}))
    every = [p for p in files if _is_table(p)]
    taken = {s: _one_format([p for p in some if _is_table(p)]) for s, some in found.items()}
    taken = {s: some for s, some in taken.items() if some}
    if name is None:
        taken |= _by_name(every, taken)
    if not taken:
        kinds = ", ".join(SUFFIXES)
        raise InputError(f"{folder}: no table there; expected files of its splits, like train.jsonl ({kinds})")  # fmt: skip
    order = [s for s in _ORDER if s in taken]
    splits = {s: tuple(taken[s]) for s in (*order, *(s for s in taken if s not in order))}
    read = {p for some in splits.values() for p in some}
    others = [p for p in files if p not in read and _looks_like_data(p)]
    if others and not said:
        names = sorted(p.relative_to(folder).as_posix() for p in others)
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        said = [f"{folder}: not read, as they are of no split by the Hub's rules: {', '.join(names[:10])}{more}"]  # fmt: skip
    return Layout(splits, tuple(said))


def _chosen(
    folder: Path, configs: Mapping[str, Any], config: str | None
) -> tuple[str | None, list[str]]:
    """The configuration to read, None where none is named, and what to say of it."""
    names = list(configs)
    if config is not None:
        if config in configs or (config == "default" and not configs):
            return (config if config in configs else None), []
        raise InputError(f"{folder}: no configuration {config!r}; it has {', '.join(names) or 'none'}")  # fmt: skip
    if len(names) < 2:
        return (names[0] if names else None), []
    if set(names) >= OURS:
        return "default", [f"{folder}: reading the configuration 'default'; the others are made of its rows"]  # fmt: skip
    chosen = [n for n, c in configs.items() if c.get("default")] or [n for n in names if n == "default"]  # fmt: skip
    if len(chosen) == 1:
        rest = ", ".join(n for n in names if n != chosen[0])
        return chosen[0], [f"{folder}: reading the configuration {chosen[0]!r}, its default; it also has {rest}"]  # fmt: skip
    raise InputError(f"{folder}: has the configurations {', '.join(names)}; name one behind a colon, like {folder}:{names[0]}")  # fmt: skip


def configurations(folder: Path) -> tuple[str, ...]:
    """The names of the configurations that the README names.

    Raises:
        InputError: its front matter cannot be read.
    """
    return tuple(_configs(folder))


def _configs(folder: Path) -> dict[str, dict[str, Any]]:
    """The configurations that the README names."""
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCardData

    readme = folder / "README.md"
    if not readme.is_file():
        return {}
    try:
        stated = {k: v for k, v in front_matter(readme).items() if k == "configs"}
        found = dict(MetadataConfigs.from_dataset_card_data(DatasetCardData(**stated)))
    except (ValueError, TypeError, AttributeError, KeyError, OSError) as e:
        said = " ".join(str(e).split())[:300]
        raise InputError(f"{readme}: its front matter names no configurations that can be read ({said})") from e  # fmt: skip
    if faults := [f"{readme}: {f}" for name in found if (f := config_fault(name))]:
        raise InputError(*faults)
    return found


def _found(folder: Path, config: Mapping[str, Any]) -> dict[str, list[Path]]:
    """The files of each split, named as below `folder`, by the patterns of a configuration or by the Hub's own."""
    from datasets.data_files import get_data_patterns, resolve_pattern, sanitize_patterns

    inner = str(config.get("data_dir") or "")
    named = config.get("data_files")
    _refuse_outside(folder, inner, "")
    root = folder.resolve()
    # A folder's own name may hold `[`, which is no pattern there.
    base = glob.escape(str(root / _plain(inner)))
    try:
        patterns = get_data_patterns(base) if named is None else sanitize_patterns(named)
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as e:
        raise InputError(f"{folder}: its README's data_files cannot be read ({e})") from e
    found: dict[str, list[Path]] = {}
    for split, some in patterns.items():
        into = found.setdefault(str(split), [])
        for pattern in map(str, some):
            _refuse_outside(folder, inner, pattern)
            with suppress(FileNotFoundError):
                there = sorted(resolve_pattern(_plain(pattern), base))
                # `datasets` gives absolute paths; here a file has one name, whoever found it.
                paths = [folder / Path(p).relative_to(root) for p in there]
                into += [p for p in paths if p not in into]
        if not into and named is not None:
            raise InputError(f"{folder}: no file fits {list(some)}, which its README names for the split {str(split)!r}")  # fmt: skip
    return found


def _plain(pattern: str) -> str:
    """A pattern or folder of a README without `.` and `..`, by which a file would have several names."""
    is_plain = not {".", ".."} & set(pattern.split("/"))
    return pattern if is_plain else posixpath.normpath(pattern)


def _refuse_outside(folder: Path, base: str, pattern: str) -> None:
    """A README must not name what lies outside of its dataset, on this machine or any other."""
    if is_outside(base, pattern):
        raise InputError(f"{folder}: its README names {pattern or base!r}, which lies outside of it")  # fmt: skip


def _by_name(every: list[Path], taken: Mapping[str, list[Path]]) -> dict[str, list[Path]]:
    """Splits of files that `datasets` does not read together with the others, by their names.

    It reads one format only; LoRID-Math/GSM8K has parquet beside JSON Lines. Each is read for what
    it is, unless that would mix it into a split that is there.
    """
    used = {p for files in taken.values() for p in files}
    formats = {format_of(p) for p in used}
    more: dict[str, list[Path]] = {}
    for path in every:
        is_other = len(formats) != 1 or format_of(path) not in formats
        match = _NAME.fullmatch(path.name.partition(".")[0])
        if path not in used and is_other and match and match[1] not in taken:
            more.setdefault(match[1], []).append(path)
    return more


def _one_format(files: list[Path]) -> list[Path]:
    """Of several formats in one split the one of most files, as `datasets` chooses."""
    formats = Counter(format_of(p) for p in files)
    most = max(formats, key=lambda f: (formats[f], f), default=None)
    return [p for p in files if format_of(p) == most]


def _files(folder: Path) -> list[Path]:
    """Every file but hidden ones, in order."""
    return [
        p
        for p in files_below(folder)
        if not any(x.startswith((".", "__")) for x in p.relative_to(folder).parts)
    ]


def _is_table(path: Path) -> bool:
    return path.name not in _NO_DATA and format_of(path) is not None


def _looks_like_data(path: Path) -> bool:
    return _is_table(path) or path.suffix in _OTHER_DATA
