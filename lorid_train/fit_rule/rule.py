"""Finished evaluations in, `rule.json` out."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from lorid_data.commandline import result
from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.evaluations import DRAWS, evaluation
from lorid_data.folders.files import write_text
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.names import RECORDS
from lorid_data.folders.outputs import check_output
from lorid_data.folders.parquet import read_rows
from lorid_data.schema import Manifest, Record
from lorid_data.texts.counting import count
from lorid_train.evaluation.evaluate import asked_for
from lorid_train.fit_rule import regression
from lorid_train.fit_rule.drawn import Asked, asked
from lorid_train.interaction.rule_files import (
    Calibration,
    Repeats,
    RuleFile,
    Source,
)
from lorid_train.interaction.rules import answer_of
from lorid_train.interaction.weigher import FEATURES, KINDS, VOTERS, Weigher
from lorid_train.metrics.grading import GradedProblem, gold_of, grade
from lorid_train.report.reading import DrawFile


def fit_and_write(evaluations: Sequence[Path], out: Path, aim: Literal["loop", "best"]) -> None:
    """Write the rule that evaluations give, and say what it is worth on them."""
    check_output(out, b'{"schema_version":', "a JSON file")
    made, figures = fitted(evaluations, aim)
    write_text(out, made.text())
    share = made.figures["tokens_per_problem"] / made.figures["loop_tokens_per_problem"]
    lines = [
        f"fitted on {count(len(figures), 'question')}: answers at a probability of {made.threshold:.2f}, "
        f"or after {count(made.most_draws, 'draw')}",
        f"on these, each decided by models that had not seen it: {made.figures['accuracy']:.1%} right with "
        f"{share:.0%} of the loop's tokens; the loop {made.figures['loop_accuracy']:.1%}",
        f"rule: {out}",
    ]
    if not made.figures["is_as_good"]:
        lines.insert(2, "no threshold was right as often as the loop; this one comes closest")
    body = {**made.model_dump(mode="json", exclude={"questions"}), "out": str(out)}
    result.show("\n".join(lines), body)


def fitted(
    folders: Sequence[Path], aim: Literal["loop", "best"] = "loop"
) -> tuple[RuleFile, list[Asked]]:
    """The rule that finished evaluations give, and the questions that it was fitted on.

    Raises:
        ConfigError: no finished evaluation, or scikit-learn is not installed.
        InputError: too few rounds or questions, or nothing tells right from wrong.
    """
    regression.require()
    from lorid_train.fit_rule.fitting import fit

    read = [_read(f) for f in folders]
    rounds = min(r for _, _, r in read)
    questions = [asked(g, rounds) for graded, _, _ in read for g in graded]
    if len({manifest_sha256(f) for f in folders}) < len(folders):
        msg = (
            "an evaluation is named more than once, and its votes would count twice; name each once"
        )
        raise ConfigError(msg)
    weigher, figures = fit(questions, aim)
    sources = tuple(
        Source(
            manifest_sha256=manifest_sha256(folder),
            dataset_sha256=str(manifest.identity["dataset_sha256"]),
            n_questions=len({g.gold.problem_id for g in graded}),
            rounds=r,
        )
        for folder, (graded, manifest, r) in zip(folders, read, strict=True)
    )
    ids = {i for graded, _, _ in read for g in graded for i in (g.gold.problem_id, g.gold.original_id)}  # fmt: skip
    found = {
        "n_problems": len({q.original_id for q in questions}),
        "rounds": rounds,
        "accuracy": round(figures.accuracy, 6),
        "tokens_per_problem": round(figures.tokens, 3),
        "loop_accuracy": round(figures.loop_accuracy, 6),
        "loop_tokens_per_problem": round(figures.loop_tokens, 3),
        "is_as_good": figures.is_as_good,
    }
    return _file(weigher, found, sources, tuple(sorted(i for i in ids if i))), questions


def _read(folder: Path) -> tuple[list[GradedProblem], Manifest, int]:
    """The graded draws of an evaluation, its manifest, and the rounds that every question has."""
    manifest = evaluation(folder)
    records = {r.problem_id: r for r in read_rows(folder / RECORDS, Record)}
    graded = read_graded(folder)
    rounds = min((min(len(g.ir), len(g.dr)) for g in graded), default=0)
    if rounds < 2 or len({g.gold.problem_id for g in graded}) < len(records):
        msg = (
            f"{folder}: {count(rounds, 'round')} of IR, KG and DR drawn of every question, and a rule is fitted on "
            "2 or more (10 are usual); evaluate a validation split with --schedule exhaustive --rounds 10 --votes none"
        )
        raise InputError(msg)
    if any(r.split == "test" for r in records.values()):
        say(
            f"note: {folder} has questions of the split 'test'; the rule will be refused on each of them"
        )
    return graded, manifest, rounds


def read_graded(folder: Path) -> list[GradedProblem]:
    """The graded draws that a finished evaluation asked for, nothing decided.

    What a full batch made ahead of need is left out, so that no fit depends on the batch size.
    """
    evaluation(folder)
    records = {r.problem_id: r for r in read_rows(folder / RECORDS, Record)}
    draws = DrawFile(folder / DRAWS)
    graded = [
        g
        for r in records.values()
        for g in grade(
            gold_of(r), draws(r.problem_id), decide=lambda *_: None, rounds=0, extract=answer_of
        )
    ]
    return asked_for(folder, graded)


def _file(
    weigher: Weigher, figures: dict[str, float | int | bool], sources: tuple[Source, ...], ids: tuple[str, ...]
) -> RuleFile:  # fmt: skip
    """The rule's numbers as a file has them: ten digits, which is more than they mean."""
    repeats = {
        v: {k: Repeats(**{n: _short(p) for n, p in weigher.tells[v, k]._asdict().items()}) for k in KINDS}
        for v in VOTERS
    }  # fmt: skip
    a, b = weigher.calibration
    return RuleFile(
        intercept=_short(weigher.intercept),
        weights={f: _short(w) for f, w in zip(FEATURES, weigher.weights, strict=True)},
        calibration=Calibration(intercept=_short(a), slope=_short(b)),
        threshold=weigher.threshold,
        most_draws=weigher.most_draws,
        repeats=repeats,
        right={v: _short(weigher.right[v]) for v in VOTERS},
        tokens={v: _short(weigher.tokens[v]) for v in VOTERS},
        figures=figures,
        sources=sources,
        questions=ids,
        libraries={n: version(n) for n in ("scikit-learn", "numpy")},
    )


def _short(x: float) -> float:
    return float(f"{x:.10g}")
