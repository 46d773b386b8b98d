"""A finished evaluation folder of `lorid-train evaluate`, for who reads its draws and trains nothing.

What is read is the documented format: `manifest.json`, `records.parquet` and `draws.jsonl`, with
their seals compared first. Fields of a draw that are not needed here are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from lorid_data.errors import InputError
from lorid_data.folders.draw_lines import split_line, sum_of
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.verified import verify
from lorid_data.schema import Manifest, canonical_json, sha256_text
from lorid_data.texts import strict_json

DRAWS = "draws.jsonl"
SAMPLED = "sampled"
"""The condition of draws at a temperature; DR's are on what KG wrote in the same round."""
SAMPLED_GIVEN = "sampled-gold-knowledge"
"""The condition of DR's draws at a temperature on the dataset's own knowledge."""
_WITH = {"dr": ("dr", "kg")}
"""Roles whose draws depend on more adapters than their own."""
_SAMPLING = ("temperature", "top_p", "top_k", "max_new_tokens")
_SHARED = ("base_sha256", "tokenizer_sha256", "format_sha256", "dtype", "merged")


class Executed(BaseModel):
    """What is read of what became of a program."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    answer: str | None = None


class WrittenDraw(BaseModel):
    """What is read of a line of `draws.jsonl`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    problem_id: str
    role: str
    condition: str
    seed: int
    round: int
    text: str
    finish_reason: str
    executed: Executed | None = None
    """Of a role that writes programs: its answer is what the program gave, whatever the text says."""

    def answer(self, stated: Callable[[str], str | None]) -> str | None:
        """What the draw answers; None where it states nothing.

        Args:
            stated: text → the answer that it states.
        """
        return stated(self.text) if self.executed is None else self.executed.answer


class Judge(NamedTuple):
    """Who was asked: a role and everything that decides what it writes."""

    role: str
    sha256: str
    adapters_sha256: tuple[str, ...]


def evaluation(folder: Path) -> Manifest:
    """The manifest of a finished evaluation folder whose files are what it says; draws are not read.

    Raises:
        InputError: it is no such folder, or files of it have changed.
    """
    manifest = read_manifest(folder)
    if manifest.stage != "evaluate":
        msg = f"{folder}: a folder of {manifest.stage!r}; name one of lorid-train evaluate"
        raise InputError(msg)
    verify(folder, manifest)
    return manifest


def open_evaluation(folder: Path) -> Manifest:
    """The manifest of a finished evaluation folder whose files and draws are what it says.

    Raises:
        InputError: it is no such folder, or something in it has changed.
    """
    manifest = evaluation(folder)
    if DRAWS not in manifest.files:  # evaluations of before lines had hashes name it there
        sum_of(folder / DRAWS).check(folder / DRAWS, manifest.figures)
    return manifest


def iter_draws(folder: Path) -> Iterator[WrittenDraw]:
    """The draws of an opened evaluation, in the order in which they were made.

    Raises:
        InputError: a line that is no draw.
    """
    path = folder / DRAWS
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield WrittenDraw.model_validate(strict_json.parse(split_line(line)[0]))
            except ValidationError as e:
                first = e.errors()[0]
                why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
                raise InputError(f"{path}:{number}: not a draw of this version ({why})") from e
            except (ValueError, RecursionError) as e:
                raise InputError(f"{path}:{number}: a damaged line ({e})") from e


def judge_of(identity: Mapping[str, Any], role: str, condition: str) -> Judge:
    """Who made the draws of a role under a condition, by an evaluation's identity.

    Draws of one judge at one seed and round are the same text, wherever they were made.
    """
    needed = _WITH.get(role, (role,)) if condition == SAMPLED else (role,)
    adapters = identity.get("adapters_sha256") or {}
    wholes = identity.get("wholes") or {}
    configs = identity.get("adapter_configs_sha256") or {}
    played = {r: adapters.get(r) or wholes.get(r) for r in needed}
    body = {
        "role": role,
        "condition": condition,
        "played": played,
        "configs": {r: configs.get(r) for r in needed},
        **{k: identity.get(k) for k in (*_SAMPLING, *_SHARED)},
    }
    hashes = tuple(
        p if isinstance(p, str) else sha256_text(canonical_json(p)) for p in played.values()
    )
    return Judge(role, sha256_text(canonical_json(body)), hashes)
