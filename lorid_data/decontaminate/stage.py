"""`decontaminate DIR --out DIR --against SET …`: what is in a test set leaves the dataset.

records → distinct questions × test questions, every pair (`contamination.matches`)
→ policy: drop, quarantine or report, for the same problem and for a mere template
→ rows of one original share its fate: they are the same problem in other words
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from lorid_data.commandline.progress import Progress
from lorid_data.contamination.matches import (
    CONTAMINATED,
    VERSION,
    Match,
    MatchKind,
    Questions,
    counts,
    find_matches,
)
from lorid_data.decontaminate.against import load_test_sets
from lorid_data.errors import ConfigError
from lorid_data.folders.frames import read_record_frame, write_dataset_frames
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Disposition, FrozenModel, Manifest, RejectReason
from lorid_data.texts.counting import count

if TYPE_CHECKING:
    import polars as pl

MATCHES = "matches.parquet"
Policy = Literal["drop", "quarantine", "report"]


class DecontaminateOptions(FrozenModel):
    """Options of `decontaminate`. Policies may change when the folder is written again."""

    against: tuple[str, ...]
    """Dataset folders, or sources as `build` names them."""
    split: str = "test"
    """The split of sources."""
    source_path: tuple[str, ...] = ()
    """Local copies of the named sources that have one, in the order of `against`."""
    policy: Policy = "drop"
    """What becomes of rows whose question is that of a test set."""
    templates: Policy = "report"
    """What becomes of rows that are worded like one, with other numbers or another answer."""

    @field_validator("against", "source_path", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


class Verdict(FrozenModel):
    """What a row's question is found to be."""

    reason: RejectReason
    match: Match


def decontaminate(folder: Path, out: Path, options: DecontaminateOptions) -> Manifest:
    """Write the rows of a dataset folder that no test set holds, and the others with the match.

    Raises:
        ConfigError: `folder` is no finished dataset folder, a test set cannot be read, or `out`
            belongs to something else.
        LockedError: another process works on `out`.
    """
    parent, sha256 = read_manifest(folder), manifest_sha256(folder)
    if same := [a for a in options.against if Path(a).exists() and Path(a).samefile(folder)]:
        msg = (
            f"--against {same[0]!r} is the dataset itself: every row would be found. Near copies on both sides of a "
            "split are dedup's to find, before the split"
        )
        raise ConfigError(msg)
    sets = load_test_sets(options.against, split=options.split, source_paths=options.source_path)
    with open_stage(
        out,
        "decontaminate",
        identity={
            "parent_identity_sha256": parent.identity_sha256,
            "against": [tests.identity() for tests in sets],
            "method": VERSION,
        },
        settings={
            "parent_sha256": sha256,
            "policy": options.policy,
            "templates": options.templates,
        },
        parent_sha256=sha256,
    ) as stage:
        if stage.done is not None:
            return stage.done
        frame = read_record_frame(folder)
        questions = distinct_questions(frame)
        rules = (
            frame["knowledge"].explode(empty_as_null=True).drop_nulls().unique().sort().to_list()
        )
        matches: list[Match] = []
        figures = []
        with Progress("decontaminate", len(questions.ids) * len(sets)) as progress:
            for tests in sets:
                some = find_matches(questions, tests, progress.advance)
                figures.append(counts(questions, rules, tests, some))
                matches += some
        write_rows(out / MATCHES, Match, matches)
        verdicts = judge(frame, matches)
        stage.figures = {"against": figures}
        kept, rejects = apply(frame, verdicts, options)
        return write_dataset_frames(stage, kept, rejects, n_in=len(frame))


def shown(out: Path, limit: int = 10) -> list[str]:
    """The strongest matches of a finished folder, a line per question, for a terminal."""
    order = list(MatchKind)
    matches = [m for m in read_rows(out / MATCHES, Match) if m.rule is not MatchKind.SIMILAR]
    matches.sort(key=lambda m: (order.index(m.rule), -m.alike))
    lines = []
    for m in matches[:limit]:
        lines += [
            f"{m.rule.value}: {m.alike:.2f} alike, numbers {m.numbers}, answers {m.answers} ({m.against})",
            f"  dataset  {m.problem_id[:8]}  {_plain(m.question)}",
            f"  test     {m.test_problem_id[:8]}  {_plain(m.test_question)}",
        ]
    if len(matches) > limit:
        lines.append(f"… {len(matches) - limit:,} more: {out / MATCHES}")
    return lines


def described(manifest: Manifest) -> list[str]:
    """What was compared with each test set, and what others would have counted, a line each."""
    lines = []
    for found in manifest.figures["against"]:
        runs = found["n_sharing_words"]
        rules = ", ".join(f"{n:,} {rule}" for rule, n in found["n_questions_by_rule"].items() if n)
        lines += [
            f"{found['name']}: {count(found['n_pairs_compared'], 'pair')} compared; questions: {rules or 'none alike'}",
            "  for comparison, questions that share a run of words with a test question: "
            f"8 words as open-r1 {runs['open_r1_8']['questions']:,}, 13 words as GPT-3 "
            f"{runs['gpt3_13']['questions']:,}; rules of knowledge, 8 words: {runs['knowledge_8']['questions']:,}",
        ]
    return lines


def _plain(text: str) -> str:
    """One line without what a terminal would obey."""
    line = " ".join(text.split())
    line = "".join(c if c.isprintable() else "\ufffd" for c in line)
    return line if len(line) <= 160 else line[:159] + "…"


# --- pure ---------------------------------------------------------------------------------------


def distinct_questions(frame: pl.DataFrame) -> Questions:
    """The questions of a frame of records, each once, in order."""
    first = frame.unique("problem_id", keep="first", maintain_order=True)
    return Questions(
        first["problem_id"].to_list(), first["question"].to_list(), first["answer"].to_list()
    )


def judge(frame: pl.DataFrame, matches: Sequence[Match]) -> dict[int, Verdict]:
    """The verdict on each row that has one, by its place in the frame.

    Rows of one original are one problem in several wordings: where one of them is in a test set,
    all of them are.
    """
    order = list(MatchKind)
    best: dict[str, Match] = {}
    for m in matches:
        known = best.get(m.problem_id)
        if known is None or order.index(m.rule) < order.index(known.rule):
            best[m.problem_id] = m
    rows = list(frame.select("problem_id", "original_id").iter_rows())
    tainted: dict[str, Match] = {}
    for problem_id, original_id in rows:
        match = best.get(problem_id)
        if match is not None and match.rule in CONTAMINATED:
            tainted.setdefault(original_id, match)
    verdicts = {}
    for i, (problem_id, original_id) in enumerate(rows):
        match = best.get(problem_id)
        if match is not None and match.rule in CONTAMINATED:
            verdicts[i] = Verdict(reason=RejectReason.CONTAMINATED, match=match)
        elif original_id in tainted:
            verdicts[i] = Verdict(
                reason=RejectReason.CONTAMINATED_VARIANT, match=tainted[original_id]
            )
        elif match is not None and match.rule is MatchKind.TEMPLATE:
            verdicts[i] = Verdict(reason=RejectReason.TEST_TEMPLATE, match=match)
    return verdicts


def apply(
    frame: pl.DataFrame, verdicts: Mapping[int, Verdict], options: DecontaminateOptions
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The rows that stay, flagged where the policy is to report, and the columns of rejects."""
    import polars as pl

    def policy(verdict: Verdict) -> Policy:
        template = verdict.reason is RejectReason.TEST_TEMPLATE
        return options.templates if template else options.policy

    gone = {i: v for i, v in verdicts.items() if policy(v) != "report"}
    flags = {i: v.reason.value for i, v in verdicts.items() if i not in gone}
    flag = pl.Series([flags.get(i) for i in range(len(frame))], dtype=pl.String)
    flagged = pl.concat_list("flags", pl.lit(flag)).list.drop_nulls().list.unique().list.sort()
    kept = frame.with_columns(
        flags=pl.when(flag.is_not_null()).then(flagged).otherwise(pl.col("flags"))
    ).filter(pl.Series([i not in gone for i in range(len(frame))], dtype=pl.Boolean))
    rows = frame[list(gone)]
    return kept, {
        "row_id": rows["row_id"],
        "stage": ["decontaminate"] * len(gone),
        "disposition": [Disposition(policy(v)).value for v in gone.values()],
        "reason": [v.reason.value for v in gone.values()],
        "detail": [
            f"{v.match.rule.value}: {v.match.alike:.2f} alike, numbers {v.match.numbers}, answers "
            f"{v.match.answers}; {v.match.against} question {v.match.test_problem_id}"
            for v in gone.values()
        ],
        "evidence": [v.match.test_question for v in gone.values()],
        "problem_id": rows["problem_id"],
        "split": rows["split"],
    }
