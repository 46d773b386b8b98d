"""Test sets by their name: what `decontaminate --against` accepts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lorid_data.commandline.progress import say
from lorid_data.contamination.test_set import TestSet
from lorid_data.errors import ConfigError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.frames import read_record_frame
from lorid_data.folders.names import MANIFEST, RECORDS
from lorid_data.sources.registry import COPIED, NAMED, load, named
from lorid_data.texts.counting import count


def load_test_sets(
    against: Sequence[str], *, split: str = "test", source_paths: Sequence[str] = ()
) -> list[TestSet]:
    """Read test sets.

    Args:
        against: each a dataset folder, or what `build` accepts as a source: gsm8k, math,
            svamp, champ, arithmetic, a Hub id, a folder laid out like the Hub's, a table.
        split: the split of sources; dataset folders are taken whole.
        source_paths: local copies of the named sources of `COPIED`, in the order of `against`.

    Raises:
        ConfigError: no test set; one that is given twice; more copies than named sources.
        InputError: one cannot be read.
    """
    copied = [a for a in against if named(a) in COPIED]
    problems = []
    if not against:
        problems.append(
            f"--against is missing; name a dataset folder, {', '.join(NAMED)}, a Hub id or a table"
        )
    if len(set(against)) < len(against):
        problems.append(f"--against names a test set twice: {', '.join(against)}")
    if source_paths and len(source_paths) != len(copied):
        problems.append(
            f"--source-path is given {count(len(source_paths), 'time')} for {len(copied)} of the sources "
            f"{', '.join(COPIED)}: give one for each, in the order of --against, or none"
        )
    if problems:
        raise ConfigError(*problems)
    copies = dict(zip(copied, source_paths, strict=False))
    return [_load(name, split, copies.get(name)) for name in against]


def _load(name: str, split: str, source_path: str | None) -> TestSet:
    folder = Path(name)
    if name and (folder / MANIFEST).is_file():
        frame = read_record_frame(folder)
        return TestSet(
            folder.name,
            sha256_file(folder / RECORDS),
            tuple(frame["problem_id"]),
            tuple(frame["question"]),
            tuple(frame["answer"]),
        )
    loaded = load(name, split=split, source_path=source_path)
    for warning in loaded.warnings:
        say(f"warning: {warning}")
    return TestSet(
        loaded.name,
        loaded.content_sha256,
        tuple(p.problem_id for p in loaded.problems),
        tuple(p.question for p in loaded.problems),
        tuple(p.answer for p in loaded.problems),
    )
