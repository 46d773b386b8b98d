"""An evaluation in the forms that others read: KG's knowledge as a dataset folder, the draws as a log.

What KG wrote becomes a dataset folder like a teacher's, so that the same audit can look at it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lorid_data.answers import reference
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.evaluations import DRAWS, evaluation
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.names import RECORDS
from lorid_data.folders.outputs import check_output
from lorid_data.folders.parquet import parquet_columns, read_rows, write_rows
from lorid_data.folders.records import write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import (
    Disposition,
    FrozenModel,
    Manifest,
    Provenance,
    Record,
    Reject,
    RejectReason,
)
from lorid_train.drawn.texts import rules_of
from lorid_train.interaction.draws import Draw, draw_seed
from lorid_train.interaction.rules import answer_to
from lorid_train.metrics.grading import score
from lorid_train.report.reading import DrawFile
from lorid_train.roles import role

TEACHER = "kg"
"""The kind of teacher that the exported records name."""


# --- knowledge ---------------------------------------------------------------------------------


def export_knowledge(folder: Path, out: Path) -> Manifest:
    """What KG wrote for each question, as a dataset folder: greedy, else the first sampled round.

    Knowledge that is empty or was cut at the token limit is rejected, as a teacher's would be. The
    manifest's figures count every kind of degenerate knowledge, kept rows included.

    Raises:
        ConfigError: no finished evaluation, or KG was not drawn for every question.
    """
    manifest = evaluation(folder)
    records = read_rows(folder / RECORDS, Record)
    of = DrawFile(folder / DRAWS)
    draws = [_knowledge_draw(of(r.problem_id)) for r in records]
    missing = sum(d is None for d in draws)
    if missing:
        msg = (
            f"{folder}: KG was not drawn for {missing} of {len(records)} questions; evaluate with "
            "the loop or with --greedy kg-knowledge"
        )
        raise InputError(msg)
    written = [(r, d) for r, d in zip(records, draws, strict=True) if d is not None]
    kept, rejects = _dataset(written, str(manifest.settings["base"]))
    parent = manifest_sha256(folder)
    identity = {"evaluation_sha256": parent}
    with open_stage(out, "export-knowledge", identity=identity, parent_sha256=parent) as stage:
        if stage.done is not None:
            return stage.done
        stage.figures = figures(written)
        return write_dataset(stage, kept, rejects, n_in=len(records))


def _knowledge_draw(draws: Sequence[Draw]) -> Draw | None:
    """KG's greedy draw, else the first round of the lowest seed."""
    of = [d for d in draws if d.role == "kg" and d.condition in ("greedy", "sampled")]
    return min(of, key=lambda d: (d.condition != "greedy", d.seed, d.round), default=None)


def _dataset(
    written: Sequence[tuple[Record, Draw]], base: str
) -> tuple[list[Record], list[Reject]]:
    kept: list[Record] = []
    rejects: list[Reject] = []
    for record, d in written:
        rules = rules_of(d.text)
        reason = None
        if not rules:
            reason = RejectReason.KNOWLEDGE_EMPTY
        elif d.finish_reason != "stop":
            reason = RejectReason.REPLY_TRUNCATED
        if reason is not None:
            rejects.append(
                Reject(
                    row_id=record.row_id, stage="export-knowledge", disposition=Disposition.DROP,
                    reason=reason, detail=f"KG ended with {d.finish_reason!r}",
                    evidence=d.text[:2_000], problem_id=record.problem_id, split=record.split,
                )
            )  # fmt: skip
            continue
        source = Provenance(
            teacher=TEACHER, model_asked=base, model_answered=base, prompt_id=role("kg").prompt_id,
            prompt_sha256=d.prompt_sha256, finish_reason=d.finish_reason,
            n_input_tokens=d.n_prompt_tokens, n_output_tokens=d.n_tokens,
        )  # fmt: skip
        kept.append(
            record.model_copy(update={"knowledge": rules, "flags": (), "provenance": source})
        )
    return kept, rejects


def degenerate(question: str, draw: Draw) -> list[str]:
    """What is wrong with one piece of knowledge whatever it says: none, or several kinds."""
    rules = rules_of(draw.text)
    kinds = {
        "empty": not rules,
        "cut_at_length": draw.finish_reason != "stop",
        "repeats_itself": len(set(rules)) < len(rules) or _loops(draw.text),
        "copies_the_question": bool(question.strip()) and question.strip() in draw.text,
    }
    return [name for name, found in kinds.items() if found]


def _loops(text: str) -> bool:
    """Whether the text ends in the same words three times or more."""
    words = text.split()
    return any(
        len(words) >= 3 * n and words[-n:] == words[-2 * n : -n] == words[-3 * n : -2 * n]
        for n in range(1, min(30, len(words) // 3) + 1)
    )


def figures(written: Sequence[tuple[Record, Draw]]) -> dict[str, Any]:
    """Degenerate knowledge as counts and as a rate, and how often the same text was written."""
    kinds = [degenerate(r.question, d) for r, d in written]
    texts = Counter(d.text for _, d in written)
    n = len(written)
    return {
        "n_degenerate": sum(bool(k) for k in kinds),
        "degenerate_fraction": sum(bool(k) for k in kinds) / n,
        "n_by_kind": dict(Counter(name for k in kinds for name in k)),
        "n_distinct_texts": len(texts),
        "most_common_text_fraction": max(texts.values()) / n,
    }


# --- log ---------------------------------------------------------------------------------------


class LogRow(FrozenModel):
    """One draw with everything that another program needs to read it."""

    problem_id: str
    source: str
    split: str
    level: str | None
    subject: str | None
    question: str
    gold_answer: str
    base: str
    format: str
    role: str
    condition: str
    seed: int
    round: int
    draw_seed: str
    """The seed of this draw alone; text, since it takes 63 bits."""
    text: str
    answer: str | None
    """The answer that the text states; null for knowledge and where there is none."""
    verdict: str | None
    """correct, wrong, no_answer or ungradable; null for knowledge."""
    finish_reason: str
    n_prompt_tokens: int
    n_tokens: int
    prompt_sha256: str
    program_status: str | None = None
    """What became of the program, of a role that writes some."""
    is_grounded: bool | None = None
    """Whether its numbers are those of the question."""


def export_log(folder: Path, out: Path) -> int:
    """Write all draws of an evaluation as one Parquet table; how many there are.

    Raises:
        ConfigError: no finished evaluation, or `out` is no .parquet file, or another table.
    """
    if out.suffix != ".parquet":
        raise ConfigError(f"--out {out}: name a .parquet file")
    if out.parent.is_dir():  # else it is made, once there is something to write
        check_output(out, b"par1", "another file")
    if out.is_file() and out.stat().st_size and "draw_seed" not in parquet_columns(out):
        raise ConfigError(
            f"--out {out}: is there, and is another table, which would be lost; name another file"
        )
    manifest = evaluation(folder)
    base, fmt = str(manifest.settings["base"]), str(manifest.identity["format"])
    of = DrawFile(folder / DRAWS)
    rows = []
    for record in read_rows(folder / RECORDS, Record):
        verdicts: dict[str | None, str] = {}
        for d in of(record.problem_id):
            graded = role(d.role).states_answer
            answer = answer_to(d) if graded else None
            if graded and answer not in verdicts:
                verdicts[answer] = score(answer, reference(record.answer, record.accepted))
            rows.append(
                LogRow(
                    **record.model_dump(include={"source", "split", "level", "subject", "question"}),
                    **d.model_dump(exclude={"executed"}), base=base, format=fmt, gold_answer=record.answer,
                    draw_seed=str(draw_seed(d.key)), answer=answer,
                    verdict=verdicts[answer] if graded else None,
                    program_status=None if d.executed is None else d.executed.status,
                    is_grounded=None if d.executed is None else d.executed.is_grounded,
                )
            )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    write_rows(out, LogRow, rows)
    return len(rows)
