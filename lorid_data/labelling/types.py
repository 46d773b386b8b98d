"""What the labelling page stores and exports."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from lorid_data.labelling.rubric import Defect, Verdict
from lorid_data.schema import FrozenModel, Record, canonical_json, sha256_text

SCHEMA = 1


def row_sha256(record: Record) -> str:
    """The hash of what an annotator judges: question, rationale, answers and knowledge."""
    texts = [record.question, record.rationale, record.answer, list(record.knowledge)]
    texts += [list(record.accepted)] if record.accepted else []
    return sha256_text(canonical_json(texts))


class Label(FrozenModel):
    """What one annotator says of one row; a row of `labels.parquet`."""

    row_id: str
    original_id: str
    """Empty where the row is gone."""
    annotator: str
    verdict: Verdict
    defects: tuple[str, ...]
    """Values of `Defect`, in the order of the rubric; empty unless the verdict is defective."""
    note: str
    first_verdict: Verdict
    """The verdict given before the solution and the automatic flags were shown."""
    first_defects: tuple[str, ...]
    peeked: bool
    """Whether the annotator had seen the solution before the first verdict."""
    duration_s: float
    """Time with the sample on the screen before the first verdict."""
    labelled_at: str
    """UTC, ISO 8601."""
    row_sha256: str
    """`row_sha256` of the record that was judged."""
    records_sha256: str
    """sha256 of the `records.parquet` that it was judged in."""
    status: str
    """current; changed: the row's text is another now; gone: the row is no more in the folder;
    outside: it is no part of the sample any more. Only current labels are counted."""
    flags: tuple[str, ...]
    """Automatic flags of the row, of `validate` and `audit`."""


class Sampled(FrozenModel):
    """How the sample was drawn."""

    seed: int
    n_samples: int
    """Original questions drawn, one row of each."""
    n_originals: int
    """Original questions in the folder."""
    n_rows: int


class Share(FrozenModel):
    """How many samples, and what fraction of those labelled, with a 95 % Wilson interval."""

    n: int
    fraction: float
    ci_low: float
    ci_high: float


class Estimate(FrozenModel):
    """A coefficient with its 95 % interval; None where it is not defined."""

    value: float | None
    ci_low: float | None
    ci_high: float | None


class Agreement(FrozenModel):
    """How far two annotators agree on the samples that both have labelled."""

    annotators: tuple[str, str]
    of: str
    """`verdict` (three categories), or a defect (said or not)."""
    n: int
    categories: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    """Samples by the first annotator's category (row) and the second's (column)."""
    raw: Estimate
    """Fraction of equal answers, Wilson interval."""
    kappa: Estimate
    """Cohen's kappa; not defined where both said the same of everything."""
    ac1: Estimate
    """Gwet's AC1, which does not collapse where one category is rare."""


class OneAnnotator(FrozenModel):
    """What one annotator has said."""

    annotator: str
    n: int
    verdicts: dict[str, Share]
    defects: dict[str, Share]
    n_changed: int
    """Labels changed after the solution and the flags were shown."""
    n_peeked: int
    median_duration_s: float


class Flagged(FrozenModel):
    """How many samples with, or without, automatic flags are defective."""

    n: int
    defective: Share


class Summary(FrozenModel):
    """`labels.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: int = Field(default=SCHEMA, alias="schema")
    records_sha256: str
    sample: Sampled
    n: int
    """Samples with a current label."""
    n_not_current: int
    """Labels that are not counted: their row changed, went, or left the sample."""
    verdicts: dict[str, Share]
    """good, defective, unsure: all of a sample's annotators say so; disputed: they differ."""
    defects: dict[str, Share]
    """Samples of which all annotators name the defect."""
    annotators: tuple[OneAnnotator, ...]
    agreement: tuple[Agreement, ...]
    flags: dict[str, Flagged]
    """`flagged` and `unflagged`: what the automatic checks are worth on this sample."""

    def to_json(self) -> str:
        """The file's text."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


class Wanted(FrozenModel):
    """What the page sends when a key is pressed."""

    row_id: str = Field(max_length=64)
    row_sha256: str = Field(max_length=64)
    verdict: Verdict
    defects: tuple[Defect, ...] = Field(default=(), max_length=len(Defect))
    note: str = Field(default="", max_length=2_000)
    duration_s: float = Field(default=0.0, ge=0, le=86_400)

    def in_order(self) -> tuple[str, ...]:
        """The defects once each, in the order of the rubric."""
        return tuple(d.value for d in Defect if d in self.defects)
