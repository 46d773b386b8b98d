"""`expand DIR --with metamath --out DIR`: knowledge of a question onto its variants.

A teacher is asked once per original question; its rewritten and newly solved variants need the
same rules, which is how the datasets of LoRID came to 160,000 rows. Not so where a variant asks for
something else: backward questions get none, and a variant whose answer is not that of its original
is set apart. The rows of the dataset itself come first, as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from lorid_data.answers.same import same_answer
from lorid_data.commandline.progress import Progress, say
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import (
    Disposition,
    FrozenModel,
    Manifest,
    Problem,
    Provenance,
    Record,
    Reject,
    RejectReason,
    row_ids,
)
from lorid_data.sources.variants import Variant, Variants, load_variants, original_key
from lorid_data.texts.backward import asks_backward
from lorid_data.texts.folding import fold

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
        records = read_records(folder)
        rows = expanded(records, variants)
        kept = [r for r in rows if isinstance(r, Record)]
        rejects = [r for r in rows if isinstance(r, Reject)]
        stage.figures = _figures(records, variants, kept)
        n_in = len(records) + len(variants.rows)
        return write_dataset(stage, [*records, *kept], rejects, n_in=n_in)


# --- pure ---------------------------------------------------------------------------------------


def expanded(records: Sequence[Record], variants: Variants) -> list[Record | Reject]:
    """What becomes of each variant, in order.

    An original is found by its id, or by its text without regard to case and white space. Of
    several rows with one question the first gives the knowledge.
    """
    by_id: dict[str, Record] = {}
    by_text: dict[str, Record] = {}
    for r in records:
        by_id.setdefault(r.problem_id, r)
        by_text.setdefault(fold(r.question), r)
    found = [_original(v, by_id, by_text) for v in variants.rows]
    problems = [
        _joined(variant, original, variants.name)
        for variant, original in zip(variants.rows, found, strict=True)
    ]
    rows: list[Record | Reject] = []
    with Progress("expand", len(problems)) as progress:
        for variant, problem, original, row_id in zip(
            variants.rows, problems, found, row_ids(problems), strict=True
        ):
            row = to_row(variant, problem, original, row_id)
            rows.append(row)
            progress.advance(kept=isinstance(row, Record), rejected=isinstance(row, Reject))
    return rows


def to_row(
    variant: Variant, problem: Problem, original: Record | None, row_id: str
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


def _original(
    variant: Variant, by_id: Mapping[str, Record], by_text: Mapping[str, Record]
) -> Record | None:
    exact = by_id.get(original_key(variant))
    if exact is not None or variant.original is None:
        return exact
    return by_text.get(fold(variant.original))


def _joined(variant: Variant, original: Record | None, name: str) -> Problem:
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


def _figures(
    records: Sequence[Record], variants: Variants, kept: Iterable[Record]
) -> dict[str, Any]:
    kept = list(kept)
    backward = RejectReason.BACKWARD_QUESTION.value
    return {
        "n_of_dataset": len(records),
        "n_variants": len(variants.rows),
        "n_variants_with_knowledge": sum(bool(r.knowledge) for r in kept),
        "n_backward_without_knowledge": sum(backward in r.flags for r in kept),
        "n_originals_with_variants": len({r.original_id for r in kept}),
        "with": {"name": variants.name, "sha256": variants.content_sha256},
        "n_by_source": dict(sorted(Counter(r.source for r in kept).items())),
    }
