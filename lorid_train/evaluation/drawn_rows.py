"""A finished evaluation's stored draws as a dataset folder of its own: what a student wrote, to train on.

Everything is read and decided before a folder is made, so that a refusal leaves nothing behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lorid_data.answers import reference
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.evaluations import DRAWS, evaluation
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.folders.records import iter_records, write_dataset
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.schema import (
    Manifest,
    Record,
    Reject,
    RejectReason,
    canonical_json,
    row_ids,
    sha256_text,
)
from lorid_data.texts.counting import count
from lorid_train.drawn import labels, pairs, rows
from lorid_train.drawn.labels import RULES, VOTERS, Label, Labelled, Rule
from lorid_train.drawn.pairs import Pair
from lorid_train.drawn.rows import STAGE, Drawn, Writer
from lorid_train.drawn.texts import knowledge_by_round
from lorid_train.interaction.draws import Draw
from lorid_train.interaction.rules import SAMPLED
from lorid_train.metrics.grading import score
from lorid_train.metrics.rows import Verdict
from lorid_train.report.reading import DrawFile
from lorid_train.training.trained_on import text_hash

ROLES = ("ir", "dr")
"""Roles whose draws can be exported: solutions with their answers."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported.

    Attributes:
        rule: by which draws are chosen.
        roles: whose.
        cap: at most so many rows, and so many pairs, per question and role.
        with_pairs: whether pairs are made too.
        without: dataset folders whose questions are left out, by hash.
    """

    rule: Rule
    roles: tuple[str, ...] = ("ir",)
    cap: int | None = None
    with_pairs: bool = False
    without: tuple[Path, ...] = ()


@dataclass(slots=True)
class _Made:
    """What the questions of an evaluation gave."""

    kept: list[tuple[Record, Drawn]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    n_in: int = 0
    n_labelled: int = 0
    n_excluded: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    """Questions without a row, by the reason of most of their draws."""
    graded: Counter[str] = field(default_factory=Counter)
    """Verdicts on the labels, where there are gold answers."""
    graded_rows: Counter[str] = field(default_factory=Counter)


def export_draws(folder: Path, out: Path, wanted: Wanted) -> Manifest:
    """Write the chosen draws of an evaluation as a dataset folder; do nothing where that is done.

    The folder holds, beside records and rejects, where each row comes from (`draws.parquet`), what
    each question's label is (`draw_labels.parquet`), and with `with_pairs` the pairs
    (`pairs.parquet`). The gold answer is read by the rule `gold`, and to say how often the
    labels are right; no other rule sees it.

    Raises:
        ConfigError: the options, or an evaluation that they do not fit; nothing was written.
        InputError: the rule leaves no row, or no pair; nothing was written.
    """
    manifest = evaluation(folder)
    _check(wanted)
    records = read_rows(folder / RECORDS, Record)
    _refuse_test(folder, records)
    parent = manifest_sha256(folder)
    identity = {
        "evaluation_sha256": parent, "rule": wanted.rule, "roles": list(wanted.roles),
        "cap": wanted.cap, "pairs": wanted.with_pairs,
        "not_sha256": [manifest_sha256(f) for f in wanted.without],
    }  # fmt: skip
    by = Writer(str(manifest.settings["base"]), _written_by(manifest), wanted.rule, wanted.cap)
    made = _made(folder, records, wanted, by)
    settings = {"not": [f.name for f in wanted.without]}
    with open_stage(
        out, STAGE, identity=identity, settings=settings, parent_sha256=parent,
        same_settings=lambda *_: True,
    ) as stage:  # fmt: skip
        return stage.done or _written(stage, made, wanted, len(records))


def _check(wanted: Wanted) -> None:
    """Refuse options that make no sense together.

    Raises:
        ConfigError: with every problem.
    """
    problems = []
    if wanted.rule not in RULES:
        problems.append(f"--rule {wanted.rule!r}: there is no such rule; there are {', '.join(RULES)}")  # fmt: skip
    problems += [
        f"--roles {r!r}: the rules choose among draws of {' and '.join(ROLES)} alone; name {' or '.join(ROLES)}"
        for r in wanted.roles
        if r not in ROLES
    ]
    if len(set(wanted.roles)) < len(wanted.roles):
        problems.append(f"--roles {' '.join(wanted.roles)}: name each once")
    if wanted.cap is not None and wanted.cap < 1:
        problems.append(f"--cap {wanted.cap}: give 1 or more rows per question")
    if wanted.with_pairs and wanted.rule == "none":
        problems.append("--pairs: the rule none says of no draw that it is wrong; choose another --rule")  # fmt: skip
    if problems:
        raise ConfigError(*problems)


def _written_by(manifest: Manifest) -> dict[str, str]:
    """By role, the sha256 of the adapter that wrote its draws, or of what a whole model is."""
    wholes = manifest.identity.get("wholes", {})
    return {
        **{role: sha256_text(canonical_json(what)) for role, what in wholes.items()},
        **manifest.identity["adapters_sha256"],
    }


def _refuse_test(folder: Path, records: Sequence[Record]) -> None:
    """Refuse questions of a test split: what is trained on them can be tested on them no more.

    Raises:
        ConfigError: some are.
    """
    n = sum(r.split == "test" for r in records)
    if n:
        raise ConfigError(
            f"{folder}: {count(n, 'question')} of {len(records):,} are of a test split, and a model trained on their draws "
            "can be tested on them no more; evaluate on training questions that the adapters have not seen"
        )


def _made(folder: Path, records: Sequence[Record], wanted: Wanted, by: Writer) -> _Made:
    """Every question, decided.

    Raises:
        InputError: draws that the rule needs are not there, or nothing is left.
    """
    excluded = _excluded(wanted.without)
    of = DrawFile(folder / DRAWS)
    made = _Made()
    for record in records:
        draws = of(record.problem_id)
        _refuse_missing(folder, record, draws, wanted)
        own = _own(draws, wanted.roles)
        made.n_in += len(own)
        if record.problem_id in excluded or text_hash(record.question) in excluded:
            made.rejects += [rows.reject(record, d, RejectReason.CONTAMINATED) for d in own]
            made.n_excluded += 1
            made.left_out[RejectReason.CONTAMINATED] += 1
            continue
        _add(made, record, draws, own, wanted, by)
    if not made.kept:
        why = ", ".join(f"{n} {reason}" for reason, n in made.left_out.most_common())
        raise InputError(
            f"{folder}: the rule {wanted.rule} leaves no row of {count(len(records), 'question')} (questions: {why}); "
            "store more rounds, or choose another --rule"
        )
    if wanted.with_pairs and not made.pairs:
        raise InputError(
            f"{folder}: no question has both a draw that states its label and one that states another answer, so that "
            "there is no pair; store more rounds, or a higher --temperature, or leave out --pairs"
        )
    return made


def _add(
    made: _Made, record: Record, draws: Sequence[Draw], own: Sequence[Draw], wanted: Wanted, by: Writer
) -> None:  # fmt: skip
    """Decide one question and count it."""
    gold = reference(record.answer, record.accepted)
    right = (lambda a: score(a, gold) == Verdict.CORRECT) if wanted.rule == "gold" else None
    found = labels.labelled(draws, wanted.rule, wanted.roles, is_right=right)
    knowledge = knowledge_by_round(draws)
    kept, rejects = rows.rows_of(record, own, found, knowledge, by)
    made.kept += kept
    made.rejects += rejects
    made.labels += labels.labels_of(
        record.problem_id, record.question, draws, wanted.rule, wanted.roles, is_right=right
    )
    made.n_labelled += found.label is not None
    if wanted.with_pairs:
        made.pairs += pairs.pairs_of(
            found, record, rule=wanted.rule, knowledge=knowledge, adapters=by.adapters, cap=wanted.cap
        )  # fmt: skip
    if not kept:
        made.left_out[Counter(str(r.reason) for r in rejects).most_common(1)[0][0]] += 1
    if record.answer:  # here the gold answer enters: after the choice
        _grade(made, found, kept, lambda a: score(a, gold))


def _grade(
    made: _Made,
    found: Labelled,
    kept: Sequence[tuple[Record, Drawn]],
    verdict: Callable[[str | None], Verdict],
) -> None:
    if found.label is not None:
        made.graded[verdict(found.label)] += 1
    made.graded_rows.update(verdict(r.answer) for r, _ in kept)


def _own(draws: Iterable[Draw], roles: Sequence[str]) -> list[Draw]:
    """The sampled draws of the exported roles, in order of seed, round and role."""
    of = [d for d in draws if d.condition == SAMPLED and d.role in roles]
    return sorted(of, key=lambda d: (d.seed, d.round, d.role != "ir"))


def _refuse_missing(folder: Path, record: Record, draws: Iterable[Draw], wanted: Wanted) -> None:
    """Refuse an evaluation that did not draw what the rule looks at.

    Raises:
        InputError: a role was not sampled for this question.
    """
    there = {d.role for d in draws if d.condition == SAMPLED}
    for role in (*VOTERS.get(wanted.rule, ()), *wanted.roles):
        if role not in there:
            raise InputError(
                f"{folder}: {role.upper()} was not sampled for {record.question[:60]!r}, and --rule {wanted.rule} with "
                f"--roles {' '.join(wanted.roles)} needs its draws; evaluate with the loop of the three and --schedule exhaustive, or choose another --rule"
            )


def _excluded(folders: Iterable[Path]) -> set[str]:
    """The questions of other folders, by hash of their bytes and of their words."""
    return {
        h for f in folders for r in iter_records(f) for h in (r.problem_id, text_hash(r.question))
    }


def _written(stage: Stage, made: _Made, wanted: Wanted, n_questions: int) -> Manifest:
    """Write everything; ids follow from the rows."""
    ids = list(row_ids(r for r, _ in made.kept))
    records = [r.model_copy(update={"row_id": i}) for i, (r, _) in zip(ids, made.kept, strict=True)]
    drawn = [d.model_copy(update={"row_id": i}) for i, (_, d) in zip(ids, made.kept, strict=True)]
    write_rows(stage.out / rows.FILE, Drawn, drawn)
    labels.write_labels(stage.out, made.labels)
    if wanted.with_pairs:
        pairs.write_pairs(stage.out, made.pairs)
    stage.figures = figures(made, n_questions)
    return write_dataset(stage, records, made.rejects, n_in=made.n_in)


def figures(made: _Made, n_questions: int) -> dict[str, Any]:
    """What the manifest says: coverage, precision where there is gold, and what carries a signal."""
    n_kept = len({r.problem_id for r, _ in made.kept})
    signal = Counter(label.role for label in made.labels if label.has_signal)
    return {
        "n_questions": n_questions,
        "n_questions_kept": n_kept,
        "coverage_fraction": n_kept / n_questions,
        "n_labelled": made.n_labelled,
        "label_precision_fraction": _share(made.graded),
        "row_precision_fraction": _share(made.graded_rows),
        "n_left_out": dict(sorted(made.left_out.items())),
        "n_with_signal": dict(sorted(signal.items())),
        "n_pairs": len(made.pairs),
        "n_questions_with_pairs": len({p.problem_id for p in made.pairs}),
    }


def _share(verdicts: Mapping[str, int]) -> float | None:
    """How many of what was graded is right; None where nothing was."""
    n = sum(verdicts.values())
    return verdicts.get(Verdict.CORRECT, 0) / n if n else None


def sentences(manifest: Manifest) -> list[str]:
    """What an export gave, for a terminal."""
    f = manifest.figures
    made = [
        f"kept {manifest.n_kept:,} of {count(manifest.n_in, 'draw')}, of {f['n_questions_kept']:,} of "
        f"{count(f['n_questions'], 'question')} (coverage {f['coverage_fraction']:.1%})"
    ]
    if f["label_precision_fraction"] is not None:
        made.append(f"labels that are the reference answer: {f['label_precision_fraction']:.1%}")
    if f["row_precision_fraction"] is not None:
        made.append(f"rows whose answer is the reference answer: {f['row_precision_fraction']:.1%}")
    if f["n_left_out"]:
        why = ", ".join(f"{n} {reason}" for reason, n in f["n_left_out"].items())
        made.append(f"questions left out: {why}")
    if f["n_pairs"]:
        made.append(f"pairs: {f['n_pairs']:,} of {count(f['n_questions_with_pairs'], 'question')}")
    if f["n_with_signal"]:
        carried = ", ".join(f"{role} {n}" for role, n in f["n_with_signal"].items())
        made.append(f"questions whose draws disagree about their label: {carried}")
    return made
