"""What a card counts over rows, gathered in one pass over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from lorid_data.schema import FrozenModel


class TeacherFacts(FrozenModel):
    """Rows whose knowledge comes from one teacher with one prompt."""

    teacher: str
    model_asked: str | None
    model_answered: str | None
    prompt_id: str | None
    prompt_sha256: str | None
    n_rows: int
    n_input_tokens: int | None
    """None where a row's number is unknown, like the two below."""
    n_output_tokens: int | None
    cost_usd: float | None


class Statistics(FrozenModel):
    """Counts over the records of a dataset."""

    by_source: dict[str, dict[str, int]]
    """Rows by source and licence, like {"gsm8k": {"MIT": 256}}."""
    by_subject: dict[str, int]
    by_level: dict[str, int]
    flags: dict[str, int]
    teachers: tuple[TeacherFacts, ...]
    n_with_knowledge: int
    n_rules: int
    n_variants: int
    """Rows whose question is a variant of another."""
    n_with_accepted: int = 0
    """Rows with further answers that are right as well."""
    n_with_program: int = 0
    """Rows whose program was run and gives the answer."""
    programs: dict[str, int] = Field(default_factory=dict)
    """Those by what the program was made of."""


@dataclass(slots=True)
class Counting:
    """Counts records as they pass."""

    by_source: dict[str, Counter[str]] = field(default_factory=dict)
    by_subject: Counter[str] = field(default_factory=Counter)
    by_level: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    teachers: dict[tuple[str | None, ...], list[Any]] = field(default_factory=dict)
    n_with_knowledge: int = 0
    n_rules: int = 0
    n_variants: int = 0
    n_with_accepted: int = 0
    programs: Counter[str] = field(default_factory=Counter)

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record."""
        self.by_source.setdefault(record["source"], Counter())[record["licence"]] += 1
        self.by_subject[record["subject"] or ""] += 1
        self.by_level[record["level"] or ""] += 1
        self.flags.update(record["flags"])
        self.n_with_knowledge += bool(record["knowledge"])
        self.n_rules += len(record["knowledge"])
        self.n_variants += record["original_id"] != record["problem_id"]
        self.n_with_accepted += bool(record["accepted"])
        if record["program"] and record["program_status"] == "ok":
            self.programs[record["program_from"] or "unknown"] += 1
        p = record["provenance"]
        key = tuple(p[n] for n in list(TeacherFacts.model_fields)[:5])
        sums = self.teachers.setdefault(key, [0, 0, 0, 0.0])
        sums[0] += 1
        for i, name in enumerate(("n_input_tokens", "n_output_tokens", "cost_usd"), start=1):
            known = sums[i] is not None and p[name] is not None
            sums[i] = sums[i] + p[name] if known else None

    def result(self) -> Statistics:
        """The counts, in an order that does not depend on the rows'."""
        names = list(TeacherFacts.model_fields)
        return Statistics(
            by_source={s: dict(sorted(c.items())) for s, c in sorted(self.by_source.items())},
            by_subject=_named(self.by_subject),
            by_level=_named(self.by_level),
            flags=dict(sorted(self.flags.items())),
            teachers=tuple(
                TeacherFacts(**dict(zip(names, (*key, *_rounded(sums)), strict=True)))
                for key, sums in sorted(self.teachers.items(), key=lambda kv: str(kv[0]))
            ),
            n_with_knowledge=self.n_with_knowledge,
            n_rules=self.n_rules,
            n_variants=self.n_variants,
            n_with_accepted=self.n_with_accepted,
            n_with_program=self.programs.total(),
            programs=_named(self.programs),
        )


def _named(counter: Counter[str]) -> dict[str, int]:
    return {name: n for name, n in sorted(counter.items()) if name}


def _rounded(sums: list[Any]) -> list[Any]:
    *whole, cost = sums
    return [*whole, None if cost is None else round(cost, 6)]
