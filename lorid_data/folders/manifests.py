"""The manifest of a folder: read, hashed, and what to say where there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lorid_data.errors import InputError
from lorid_data.folders.files import of_this_machine, sha256_file, write_text
from lorid_data.folders.names import CONFIG, MANIFEST
from lorid_data.folders.seals import sealed, unsealed
from lorid_data.schema import Manifest, RejectReason, canonical_json, sha256_text


def why_no_manifest(folder: Path) -> str:
    """What a folder without a manifest seems to be, and what to name instead."""
    if not folder.is_dir():
        return "no such folder" + "; `lorid-data import` makes one of a table" * folder.is_file()
    if (folder / CONFIG).exists():
        return "has no manifest: the command that makes it has not finished; run that again"
    inside = sorted(p.parent.name for p in folder.glob(f"*/{MANIFEST}"))
    more = f"; name one of those in it: {', '.join(inside)}" if inside else ""
    return f"has no manifest: no command has made it{more}"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished folder.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    path = of_this_machine(folder) / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder}: {why_no_manifest(folder)}")
    try:
        return Manifest.model_validate(unsealed(path.read_bytes()))
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(map(str, first["loc"]))
        msg = f"{path}: not a manifest of this version ({e.error_count()} problems; {where}: {first['msg']})"
        raise InputError(msg) from e
    except (ValueError, RecursionError) as e:
        raise InputError(f"{path}: not a manifest that can be trusted ({e})") from e


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a folder's manifest, with its seal."""
    body = sealed(manifest.model_dump(mode="json"))
    write_text(folder / MANIFEST, json.dumps(body, indent=2, ensure_ascii=False) + "\n")


def manifest_sha256(folder: Path) -> str:
    """The hash by which later stages name this folder as their parent."""
    read_manifest(folder)
    return sha256_file(folder / MANIFEST)


def identity_sha256(stage: str, identity: Mapping[str, Any]) -> str:
    """The hash of what decides a stage's result."""
    return sha256_text(canonical_json({"stage": stage, "identity": identity}))


FAILED = frozenset({RejectReason.TEACHER_FAILED, RejectReason.SCRIPT_EXHAUSTED})
"""Reasons that a later run may not meet again: such rows are asked once more."""


def n_failed(manifest: Manifest) -> int:
    """Rows that failed, rather than being rejected for what they are."""
    return sum(n for reason, n in manifest.n_rejected.items() if reason in FAILED)
