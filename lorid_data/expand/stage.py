"""`expand DIR --with metamath --out DIR`: knowledge of a question onto its variants.

A teacher is asked once per original question; its rewritten and newly solved variants need the
same rules, which is how the datasets of LoRID came to 160,000 rows. Not so where a variant asks for
something else: backward questions get none, and a variant whose answer is not that of its original
is set apart. The rows of the dataset itself come first, as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from lorid_data.answers.same import same_answer
from lorid_data.commandline.progress import Progress, say
from lorid_data.expand.originals import Original, Originals
from lorid_data.folders.batches import BATCH, DatasetWriter, iter_tables, records_of
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.row_ids import Occurrences
from lorid_data.folders.scratch import Distinct
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.schema import (
    Disposition,
    FrozenModel,
    Manifest,
    Problem,
    Provenance,
    Record,
    Reject,
    RejectReason,
)
from lorid_data.sources.variants import Variant, Variants, load_variants, original_key
from lorid_data.texts.backward import asks_backward

VERSION = 1
"""Bump when a variant's fate changes: a folder then belongs to another configuration."""


class ExpandOptions(FrozenModel):
    """Options of `expand`; `source_path` may change when the folder is written again."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    variants: str = Field(alias="with")
    """`metamath`, a Hub id, a folder laid out like the Hub's, or a table."""
    source_path: str | None = None
    """A local copy of MetaMathQA."""


def expand(folder: Path, out: Path, options: ExpandOptions) -> Manifest:
    """Write the rows of a dataset folder and the variants of its questions, with their knowledge.

    Raises:
        ConfigError: `folder` is no finished dataset folder, the variants cannot be read, or `out`
            belongs to something else.
        LockedError: another process works on `out`.
    """
    parent, sha256 = read_manifest(folder), manifest_sha256(folder)
    variants = load_variants(options.variants, options.source_path)
    for warning in variants.warnings:
        say(f"warning: {warning}")
    with open_stage(
        out,
        "expand",
        identity={
            "parent_identity_sha256": parent.identity_sha256,
            "with": {"name": variants.name, "sha256": variants.content_sha256},
            "method": VERSION,
        },
        settings={"parent_sha256": sha256},
        parent_sha256=sha256,
    ) as stage:
        if stage.done is not None:
            return stage.done
        return _expanded(stage, folder, variants)


def _expanded(stage: Stage, folder: Path, variants: Variants) -> Manifest:
    """The rows of the folder as they are, then what becomes of each variant."""
    with (
        DatasetWriter(stage) as writer,
        closing(Originals(variants.rows)) as originals,
        closing(_Counted()) as counted,
    ):
        n_of_dataset = 0
        for table in iter_tables(folder):
            writer.keep(table)
            originals.look(records_of(table, folder))
            n_of_dataset += len(table)
        with Progress("expand", len(variants.rows)) as progress:
            for row in expanded(variants, originals):
                if isinstance(row, Record):
                    writer.keep([row])
                    counted.add(row)
                else:
                    writer.reject([row])
                progress.advance(kept=isinstance(row, Record), rejected=isinstance(row, Reject))
        stage.figures = counted.figures(n_of_dataset, variants)
        return writer.finish(n_in=n_of_dataset + len(variants.rows))


def expanded(variants: Variants, originals: Originals) -> Iterator[Record | Reject]:
    """What becomes of each variant, in order."""
    ids = Occurrences()
    for batch in _joined(variants, originals):
        ids.look(problem for _, problem, _ in batch)
    for batch in _joined(variants, originals):
        named = zip(batch, ids.ids(problem for _, problem, _ in batch), strict=True)
        for (variant, problem, original), row_id in named:
            yield to_row(variant, problem, original, row_id)


def _joined(
    variants: Variants, originals: Originals
) -> Iterator[list[tuple[Variant, Problem, Original | None]]]:
    """The variants in batches, each as a problem of the dataset and with the row that it is one of."""
    rows = iter(variants.rows)
    while batch := list(islice(rows, BATCH)):
        found = [(v, originals.of(v)) for v in batch]
        yield [(v, joined(v, original, variants.name), original) for v, original in found]


# --- pure ---------------------------------------------------------------------------------------


def to_row(
    variant: Variant, problem: Problem, original: Original | None, row_id: str
) -> Record | Reject:
    """A record with the original's knowledge, or without where it asks backwards, or a reject."""

    def reject(
        reason: RejectReason, disposition: Disposition, detail: str, evidence: str
    ) -> Reject:
        return Reject(
            row_id=row_id,
            stage="expand",
            disposition=disposition,
            reason=reason,
            detail=detail,
            evidence=evidence[:2000],
            problem_id=problem.problem_id,
            split=problem.split,
        )

    if not problem.question.strip():
        detail = "the question is empty"
        return reject(RejectReason.QUESTION_EMPTY, Disposition.DROP, detail, problem.question)
    if original is None:
        named = f"no row of the dataset has the question {original_key(variant)}"
        evidence = variant.original or ""
        return reject(RejectReason.ORIGINAL_UNKNOWN, Disposition.DROP, named, evidence)
    fields = problem.model_dump(exclude={"knowledge"})
    if asks_backward(problem.question, (variant.kind,)):
        flag = RejectReason.BACKWARD_QUESTION.value
        fields["flags"] = (*problem.flags, flag)
        return Record(row_id=row_id, provenance=Provenance(teacher="none"), **fields)
    a, b = problem.answer.strip(), original.answer.strip()
    if a and b and not same_answer(*sorted((a, b))):
        detail = f"its answer is {a[:100]}, that of its original {b[:100]}"
        return reject(
            RejectReason.VARIANT_ASKS_ELSE, Disposition.REGENERATE, detail, problem.question
        )
    return Record(
        row_id=row_id, knowledge=original.knowledge, provenance=original.provenance, **fields
    )


def joined(variant: Variant, original: Original | None, name: str) -> Problem:
    """The variant as a problem of the dataset: in its original's split, with its level and subject."""
    changes: dict[str, Any] = {
        "source": f"{name}/{variant.kind}" if variant.kind else name,
        "original_id": original_key(variant),
    }
    if original is not None:
        changes |= {
            "original_id": original.original_id,
            "split": original.split,
            "level": original.level or variant.problem.level,
            "subject": original.subject,
            "licence": joint_licence(variant.problem.licence, original.licence),
        }
    return variant.problem.model_copy(update=changes)


def joint_licence(variant: str, original: str) -> str:
    """The licence of a text made of another: both hold, and an unknown one stays unknown."""
    if "unknown" in (variant, original):
        return "unknown"
    if original.startswith(variant):
        return original
    return variant if variant.startswith(original) else f"{original} AND {variant}"


class _Counted:
    """What the stage counts of the variants that it keeps."""

    def __init__(self) -> None:
        self._n: Counter[str] = Counter()
        self._by_source: Counter[str] = Counter()
        self._originals = Distinct()

    def add(self, row: Record) -> None:
        self._n["with_knowledge"] += bool(row.knowledge)
        self._n["backward"] += RejectReason.BACKWARD_QUESTION.value in row.flags
        self._by_source[row.source] += 1
        self._originals.add([row.original_id])

    def figures(self, n_of_dataset: int, variants: Variants) -> dict[str, Any]:
        return {
            "n_of_dataset": n_of_dataset,
            "n_variants": len(variants.rows),
            "n_variants_with_knowledge": self._n["with_knowledge"],
            "n_backward_without_knowledge": self._n["backward"],
            "n_originals_with_variants": self._originals.count(),
            "with": {"name": variants.name, "sha256": variants.content_sha256},
            "n_by_source": dict(sorted(self._by_source.items())),
        }

    def close(self) -> None:
        self._originals.close()
