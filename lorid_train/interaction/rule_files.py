"""A fitted rule as a file: JSON, checked whole, with what it was fitted on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from lorid_data.errors import ConfigError
from lorid_data.schema import FrozenModel, Record, sha256_text
from lorid_data.texts.counting import count
from lorid_train.interaction import fitted_files
from lorid_train.interaction.fitted_files import among
from lorid_train.interaction.weigher import FEATURES, KINDS, VOTERS, Tells, Weigher

DEFAULT = Path(__file__).parent / "default_rule.json"
"""The rule for when none was fitted; `benchmarks/weighed.py` says on what it was and makes it again."""
Open = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Real = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]


class Source(FrozenModel):
    """An evaluation that a rule was fitted on."""

    manifest_sha256: str
    """Of the evaluation folder's manifest, which vouches for its draws."""
    dataset_sha256: str
    n_questions: int = Field(ge=1)
    rounds: int = Field(ge=1)
    """Rounds of both roles that every question has."""


class Repeats(FrozenModel):
    """How often a draw gives the leader's answer."""

    if_right: Open
    if_wrong: Open


class Calibration(FrozenModel):
    """Calibrated log-odds: intercept + slope × log-odds."""

    intercept: Real
    slope: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


class RuleFile(FrozenModel):
    """`rule.json`: what `lorid-train fit-rule` writes and `--rule-file` reads."""

    schema_version: Literal[1] = 1
    intercept: Real
    weights: dict[str, Real]
    """By the names of `interaction.weigher.FEATURES`."""
    calibration: Calibration
    threshold: Open
    most_draws: int = Field(ge=1)
    repeats: dict[Literal["ir", "dr"], dict[str, Repeats]]
    """By role and by what it has said: first, again, others."""
    right: dict[Literal["ir", "dr"], Open]
    tokens: dict[Literal["ir", "dr"], Annotated[float, Field(gt=0, allow_inf_nan=False)]]
    figures: dict[str, float | int | bool]
    """What the fit found on its own questions, each decided by models that had not seen it."""
    sources: tuple[Source, ...] = Field(min_length=1)
    questions: tuple[str, ...]
    """Ids of the questions that it was fitted on and of the questions that they are variants of."""
    libraries: dict[str, str]

    def weigher(self) -> Weigher:
        """The numbers as the rule uses them.

        Raises:
            ValueError: a weight, a role or a kind is missing, or there is one too many.
        """
        if set(self.weights) != set(FEATURES):
            msg = f"weights: {', '.join(self.weights)}; wanted are {', '.join(FEATURES)}"
            raise ValueError(msg)
        for name, of in (("repeats", self.repeats), ("right", self.right), ("tokens", self.tokens)):
            if set(of) != set(VOTERS):
                msg = f"{name}: wanted are {', '.join(VOTERS)}"
                raise ValueError(msg)
        if any(set(kinds) != set(KINDS) for kinds in self.repeats.values()):
            msg = f"repeats: wanted of each role are {', '.join(KINDS)}"
            raise ValueError(msg)
        return Weigher(
            self.intercept,
            tuple(self.weights[f] for f in FEATURES),
            (self.calibration.intercept, self.calibration.slope),
            self.threshold,
            self.most_draws,
            {
                (v, k): Tells(self.repeats[v][k].if_right, self.repeats[v][k].if_wrong)
                for v in VOTERS
                for k in KINDS
            },
            {v: self.right[v] for v in VOTERS},
            {v: self.tokens[v] for v in VOTERS},
        )

    @property
    def sha256(self) -> str:
        """Of the file's text: the rule's name in an evaluation's identity."""
        return sha256_text(self.text())

    def text(self) -> str:
        """The file's text: one spelling per content."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"

    def fitted_on(self, records: Iterable[Record]) -> list[Record]:
        """The records whose question, or the one that it is a variant of, the rule was fitted on."""
        return among(self.questions, records)

    def refuse_fitted_on(self, records: Iterable[Record], where: str) -> None:
        """Refuse questions that the rule was fitted on, and variants of them.

        Raises:
            ConfigError: there are some.
        """
        rows = {r.problem_id: r for r in records}
        hit = self.fitted_on(rows.values())
        if hit:
            msg = (
                f"{where}: the rule was fitted on {count(len(hit), 'question')} of the {len(rows):,} that it is to "
                f"decide, the first is {hit[0].question[:80]!r}; fit it on an evaluation of other questions, of a "
                "validation split (lorid-train fit-rule EVAL --out rule.json)"
            )
            raise ConfigError(msg)


@cache
def default() -> RuleFile:
    """The packaged rule."""
    return read(DEFAULT)


@cache
def default_weigher() -> Weigher:
    """The packaged rule's numbers, and what they have been asked so far."""
    return default().weigher()


def load(path: str | Path | None) -> RuleFile:
    """The rule of a file; the packaged one where none is named.

    Raises:
        ConfigError: it cannot be read, or is no rule of this version.
    """
    return default() if path is None else read(Path(path))


def read(path: Path) -> RuleFile:
    """A rule from its file.

    Raises:
        ConfigError: it cannot be read, or is no rule of this version.
    """
    found = fitted_files.read(path, RuleFile, "rule", "lorid-train fit-rule")
    try:
        found.weigher()
    except ValueError as e:
        raise ConfigError(
            f"{path}: no rule of this version ({e}); name a file that lorid-train fit-rule wrote"
        ) from e
    return found
