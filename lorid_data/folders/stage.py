"""A folder that a stage works on: created, locked, recognised, resumed, and closed with its manifest.

A stage works inside `open_stage`; it alone knows how a folder is created, recognised, locked,
resumed and closed. Nothing here knows what a stage computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lorid_data.errors import ConfigError, StageError
from lorid_data.folders.differences import differences
from lorid_data.folders.files import (
    LOCK,
    is_leftover,
    locked,
    of_this_machine,
    sha256_file,
    write_text,
)
from lorid_data.folders.manifests import identity_sha256, read_manifest, write_manifest
from lorid_data.folders.names import CONFIG, MANIFEST
from lorid_data.folders.verified import verify
from lorid_data.schema import Manifest, canonical_json
from lorid_data.texts import safe_yaml
from lorid_data.texts.counting import count


@dataclass(slots=True)
class Stage:
    """A folder being worked on. `done` holds the manifest when there is nothing left to do."""

    out: Path
    name: str
    identity: dict[str, Any]
    settings: dict[str, Any]
    parent_sha256: str | None
    done: Manifest | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    libraries: tuple[str, ...] = ("datasets", "polars", "pydantic")
    """Distributions whose versions the manifest names."""
    varying: frozenset[str] = frozenset()
    """Files that are not the same in every run of the same inputs: no hash names them."""

    def finish(self, *, n_in: int, n_kept: int, n_rejected: Mapping[str, int]) -> Manifest:
        """Check the balance, hash the files and write the manifest, last of all.

        Raises:
            StageError: kept + rejected does not equal in.
        """
        if n_kept + sum(n_rejected.values()) != n_in:
            msg = (
                f"{self.out}: {count(n_in, 'row')} in, but {n_kept} kept + {sum(n_rejected.values())} "
                "rejected; rows were lost, which is a bug: please report it"
            )
            raise StageError(msg)
        manifest = Manifest(
            stage=self.name,
            identity=self.identity,
            identity_sha256=identity_sha256(self.name, self.identity),
            settings=self.settings,
            parent_sha256=self.parent_sha256,
            n_in=n_in,
            n_kept=n_kept,
            n_rejected=dict(sorted(n_rejected.items())),
            figures=self.figures,
            files=_hash_files(self.out, self.varying),
            code_version=_version("lorid"),
            libraries={name: _version(name) for name in self.libraries},
        )
        write_manifest(self.out, manifest)
        return manifest


@contextmanager
def open_stage(
    out: Path,
    name: str,
    *,
    identity: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    parent_sha256: str | None = None,
    same_settings: Callable[[Mapping[str, Any], Mapping[str, Any]], bool] | None = None,
) -> Iterator[Stage]:
    """Create or resume the folder of a stage, locked until the block ends.

    A new folder gets its `config.yaml` first. A folder of the same configuration is resumed; a
    finished one is given back with `done` set, unless its settings differ (`same_settings`
    decides; by default they must be equal), in which case its manifest is removed and the
    stage goes on.

    Raises:
        ConfigError: the folder holds something else, or belongs to another configuration; or it
            is finished, and files of it are gone or have changed.
        LockedError: another process works in it.
    """
    stage = Stage(of_this_machine(out), name, dict(identity), dict(settings or {}), parent_sha256)
    same = same_settings or (lambda a, b: a == b)
    _refuse_foreign(stage)
    out.mkdir(parents=True, exist_ok=True)
    try:
        lock = locked(out)
        lock.__enter__()
    except OSError:  # nothing can be written there: a finished folder needs no lock
        if _look_done(stage, same) is None:
            raise
        yield stage
        return
    with ExitStack() as stack:
        stack.push(lock)
        _refuse_foreign(stage)  # again: another process may have begun it
        if _look_done(stage, same) is None:
            (out / MANIFEST).unlink(missing_ok=True)
            _remove_leftovers(out)
            body = {"stage": name, "identity": stage.identity, "settings": stage.settings}
            write_text(out / CONFIG, yaml.safe_dump(body, sort_keys=False, allow_unicode=True))
        yield stage


def _look_done(
    stage: Stage, same: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
) -> Manifest | None:
    """The manifest where nothing is left to do; it is the stage's `done` too."""
    if (stage.out / MANIFEST).is_file():
        old = read_manifest(stage.out)
        verify(stage.out, old)
        if same(old.settings, stage.settings):
            stage.done = old
    return stage.done


def _remove_leftovers(out: Path) -> None:
    """What a killed run had half written. The lock is held, so nobody writes it now."""
    for path in out.iterdir():
        if path.is_file() and path.name != LOCK and is_leftover(path):
            path.unlink()


def _refuse_foreign(stage: Stage) -> None:
    config = stage.out / CONFIG
    if stage.out.exists() and not stage.out.is_dir():
        msg = f"{stage.out}: exists and is no folder; choose another --out"
        raise ConfigError(msg)
    if config.is_file():
        body = _read_config(config)
        old, new = body["identity"], stage.identity
        if body.get("stage") != stage.name:
            msg = f"{stage.out}: belongs to the stage {body.get('stage')!r}; choose another --out"
            raise ConfigError(msg)
        if canonical_json(old) != canonical_json(new):
            diff = differences(old, new, (body.get("settings") or {}, stage.settings))
            msg = (
                f"{stage.out}: belongs to another configuration ({'; '.join(diff)}); "
                "choose another --out, or delete the folder"
            )
            raise ConfigError(msg)
    elif stage.out.is_dir() and not all(is_leftover(p) for p in stage.out.iterdir()):
        msg = f"{stage.out}: not empty and not made by this project; choose another --out"
        raise ConfigError(msg)


def _read_config(config: Path) -> dict[str, Any]:
    foreign = f"{config}: not written by this project; choose another --out"
    try:
        body = safe_yaml.parse(config.read_text(encoding="utf-8"))
    except ValueError as e:
        raise ConfigError(f"{foreign} ({e})") from e
    if not isinstance(body, dict) or not isinstance(body.get("identity"), dict):
        raise ConfigError(foreign)
    return body


def _hash_files(folder: Path, varying: frozenset[str]) -> dict[str, str]:
    """sha256 of each file below `folder`, hidden ones, journals, results with their times and checkpoints left out.

    So are the files of `audit`, `label` and `reparse`: they are added later, and name the records themselves.
    """
    skip = {MANIFEST, *varying}
    return {
        str(p.relative_to(folder)): sha256_file(p)
        for p in sorted(folder.rglob("*"))
        if p.is_file()
        and p.name not in skip
        and not any(
            part.startswith(
                (
                    ".",
                    "checkpoint-",
                    "journal.sqlite",
                    "executions.sqlite",
                    "labels.",
                    "audit.",
                    "reparse",
                )
            )
            for part in p.relative_to(folder).parts
        )
    }


def _version(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"
