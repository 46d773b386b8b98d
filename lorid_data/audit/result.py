"""`audit.json`: what an audit found, in a shape that other commands read.

It has no clock and no path in it: the same records and options give the same file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, PrivateAttr, TypeAdapter, ValidationError

from lorid_data.audit.catalogue import REPORTED
from lorid_data.errors import InputError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.names import RECORDS
from lorid_data.folders.sealed_rows import read_sealed_rows, write_sealed_rows
from lorid_data.schema import FrozenModel
from lorid_data.texts.counting import count

AUDIT_JSON, AUDIT_HTML = "audit.json", "audit.html"
SCHEMA = 1
MOST_HELD = 20_000
"""Rows with a finding that `audit` gives back; of more, `audit.json` alone holds them."""


class Flag(FrozenModel):
    """One thing that a check found in a row."""

    check: str
    rule_index: int | None = None
    """Which rule of the row (from 0); None where it is about the list or the row."""
    evidence: str = ""
    """What shows it, in a few words."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How often checks found something; each mapping by the name of the check.

    Attributes:
        n_questions: original questions.
        n_of_language: those with a row whose language a word list covers.
        n_flagged: original questions with at least one flagged row.
        n_rows: flagged rows.
        n_rules: flagged rules.
    """

    n_questions: int
    n_of_language: int
    n_flagged: Mapping[str, int]
    n_rows: Mapping[str, int]
    n_rules: Mapping[str, int]


class Rate(FrozenModel):
    """How often a check found something, over original questions."""

    check: str
    n: int
    """Original questions that the check applies to; variants of one question count once."""
    n_flagged: int
    """Those with at least one flagged row."""
    fraction: float
    ci_low: float
    ci_high: float
    """95 % Wilson interval over original questions."""
    n_rows_flagged: int
    n_rules_flagged: int
    """0 for checks of lists and rows."""


class Gate(FrozenModel):
    """A threshold of the configuration, and whether the folder meets it."""

    check: str
    max_fraction: float
    fraction: float
    """The fraction that is compared: of original questions flagged, or the interval's upper end."""
    n: int
    n_flagged: int
    met: bool | None
    """None where the check was not applied: no word list covers the language."""
    message: str


class JudgeRate(FrozenModel):
    """One question of the rubric, over what the judge was asked."""

    criterion: str
    n: int
    n_flagged: int
    fraction: float
    ci_low: float
    ci_high: float
    n_planted: int
    n_planted_found: int
    """Planted defects that the judge saw: its sensitivity."""
    n_controls: int
    n_controls_passed: int
    """Good items that the judge passed: its specificity."""
    corrected: float | None = None
    """The fraction corrected for the judge's errors; None where they are not known well enough."""
    corrected_low: float | None = None
    corrected_high: float | None = None


class JudgeResult(FrozenModel):
    """What a judge said of a sample, and what it said of planted defects and controls."""

    teacher: str
    model: str
    prompts: dict[str, str]
    """sha256 of each prompt, by id."""
    n_questions: int
    n_asked: int
    n_unanswered: int
    """Requests without a usable judgement; those that failed among them."""
    n_failed: int
    """Requests that no reply came to; the same command asks them again."""
    rates: tuple[JudgeRate, ...]


class Audit(FrozenModel):
    """Everything in `audit.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: int = Field(default=SCHEMA, alias="schema")
    records_sha256: str
    identity_sha256: str
    """Of the records, the options and the version of the checks: with another one it is audited again."""
    options: dict[str, Any]
    n_rows: int
    n_questions: int
    n_rules: int
    gates: tuple[Gate, ...]
    rates: tuple[Rate, ...]
    figures: dict[str, Any] = Field(default_factory=dict)
    """Distributions: rules per list, frequent rules, and the acceptance plan."""
    sample: tuple[str, ...] = ()
    """Rows to be read by a person: one per original question, drawn with the seed of the options."""
    rows: dict[str, tuple[Flag, ...]] | None = Field(default_factory=dict)
    """What was found, by row_id; rows without a finding are left out. None where they are more than were asked for: the file holds all."""
    judge: JudgeResult | None = None
    _n_with_findings: int = PrivateAttr(0)

    @property
    def n_with_findings(self) -> int:
        """Rows with a finding that is more than a count."""
        return self._n_with_findings

    def with_rows(self, rows: Iterable[tuple[str, tuple[Flag, ...]]], most: int | None) -> Audit:
        """The audit with its rows, where they are no more than `most`; those with a finding are counted.

        Args:
            rows: row_id and findings of each row with any; read to the end.
            most: how many may be held; None is all.
        """
        held: dict[str, tuple[Flag, ...]] | None = {}
        n = 0
        for row_id, flags in rows:
            n += any(f.check not in REPORTED for f in flags)
            if held is not None:
                held[row_id] = flags
                held = None if most is not None and len(held) > most else held
        made = self.model_copy(update={"rows": held})
        made._n_with_findings = n
        return made


def write_audit(folder: Path, audit: Audit, rows: Iterable[tuple[str, tuple[Flag, ...]]]) -> None:
    """Write `audit.json`, row by row.

    Args:
        folder: the audited folder.
        audit: all but its rows, which are not looked at.
        rows: row_id and findings of each row with any, in the order of the file.
    """
    body = audit.model_dump(mode="json", by_alias=True, exclude={"rows"})
    # In the order of the fields, where the rows have their place.
    names = [f.alias or name for name, f in Audit.model_fields.items()]
    dumped = ((row_id, [f.model_dump(mode="json") for f in flags]) for row_id, flags in rows)
    write_sealed_rows(folder / AUDIT_JSON, {n: body.get(n) for n in names}, "rows", dumped)


_FLAGS = TypeAdapter(tuple[Flag, ...])


def read_audit(folder: Path, *, most: int | None = None) -> Audit | None:
    """The audit of a folder; None where there is none, or where it saw other records.

    Args:
        folder: the audited folder.
        most: rows with findings that are held at most; of more, `rows` is None. By default all are.

    Raises:
        InputError: the file cannot be read.
    """
    path = folder / AUDIT_JSON
    if not path.is_file():
        return None
    try:
        head, rows = read_sealed_rows(path, "rows")
        found = Audit.model_validate(head).with_rows(
            ((row_id, _FLAGS.validate_python(flags)) for row_id, flags in rows()), most
        )
    except (ValueError, RecursionError) as e:
        said = count(e.error_count(), "problem") if isinstance(e, ValidationError) else e
        msg = f"{path}: not an audit of this version ({said}); run lorid-data audit {folder} again"
        raise InputError(msg) from e
    return found if found.records_sha256 == sha256_file(folder / RECORDS) else None
