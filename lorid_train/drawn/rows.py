"""Draws as the rows of a dataset folder: kept ones as records, every other one as a reject with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lorid_data.schema import (
    PROGRAM_COLUMNS,
    Disposition,
    FrozenModel,
    Provenance,
    Record,
    Reject,
    RejectReason,
    sha256_text,
)
from lorid_train.drawn.labels import Labelled, Rule
from lorid_train.drawn.texts import Round, is_whole, key_text, parted, read_by
from lorid_train.interaction.draws import Draw
from lorid_train.interaction.rules import answer_of
from lorid_train.roles import role as role_of

FILE = "draws.parquet"
"""File of an exported folder: one `Drawn` per record, in their order."""
STAGE = "export-draws"
STUDENT = "student"
"""The kind of teacher that the records name: nobody's solution but the model's own."""


class Drawn(FrozenModel):
    """Where one row comes from."""

    row_id: str
    problem_id: str
    role: str
    draw: str
    """The draw's key within its question: `ir/sampled/0/3` is role, condition, seed and round."""
    adapter_sha256: str
    """Of the adapter that wrote it."""
    rule: str
    agreement: float
    """Share of the rule's voters that state the label, 0 to 1."""
    n_votes: int
    """The voters that state it."""
    n_voters: int
    n_rounds: int
    """Stored rounds of the question, of all seeds."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote the draws of an evaluation, and by what rule they are chosen.

    Attributes:
        base: name of the base model.
        adapters: sha256 of each role's adapter.
        rule: by which draws are kept.
        cap: at most so many rows per question and role.
    """

    base: str
    adapters: Mapping[str, str]
    rule: Rule
    cap: int | None = None


def rows_of(
    record: Record,
    own: Sequence[Draw],
    found: Labelled,
    knowledge: Mapping[Round, tuple[str, ...]],
    by: Writer,
) -> tuple[list[tuple[Record, Drawn]], list[Reject]]:
    """One question's draws, each kept or rejected; ids of kept rows are still the question's.

    Args:
        record: the question as the evaluation had it.
        own: the sampled draws of the roles that are exported, in order.
        found: the same, decided.
        knowledge: what KG wrote, by seed and round.
        by: who wrote them, and how they are chosen.
    """
    kept: list[tuple[Record, Drawn]] = []
    rejects: list[Reject] = []
    n_of: Counter[str] = Counter()
    chosen = {d.key for d in found.kept}
    for d in own:
        reason = _why_not(d, d.key in chosen, found, by.rule)
        if reason is None and by.cap is not None and n_of[d.role] >= by.cap:
            reason = RejectReason.DRAW_OVER_CAP
        if reason is not None:
            rejects.append(reject(record, d, reason))
            continue
        n_of[d.role] += 1
        kept.append((_record(record, d, found, read_by(d, knowledge), by), _drawn(d, found, by)))
    return kept, rejects


def reject(record: Record, d: Draw, reason: RejectReason) -> Reject:
    """A draw that is no row, with the reason."""
    return Reject(
        row_id=sha256_text(f"{record.problem_id}/{key_text(d)}"), stage=STAGE,
        disposition=Disposition.DROP, reason=reason,
        detail=f"{key_text(d)} of {record.question[:80]!r}", evidence=d.text[:2_000],
        problem_id=record.problem_id, split=record.split,
    )  # fmt: skip


def _why_not(d: Draw, is_chosen: bool, found: Labelled, rule: str) -> RejectReason | None:  # noqa: FBT001
    if d.finish_reason != "stop":
        return RejectReason.DRAW_CUT
    if not is_whole(d):
        return RejectReason.DRAW_WITHOUT_ANSWER
    if is_chosen:
        return None
    if found.label is None:
        return RejectReason.DRAWS_ALL_WRONG if rule == "gold" else RejectReason.DRAWS_DISAGREE
    return RejectReason.DRAW_OFF_LABEL


def _record(record: Record, d: Draw, found: Labelled, rules: tuple[str, ...], by: Writer) -> Record:
    rationale, answer = parted(d.text) or (d.text, answer_of(d.text) or "")
    source = Provenance(
        teacher=STUDENT, model_asked=by.base,
        model_answered=f"{by.base}+{d.role}@{by.adapters[d.role][:12]}",
        prompt_id=role_of(d.role).prompt_id, prompt_sha256=d.prompt_sha256,
        request_key=key_text(d), finish_reason=d.finish_reason,
        n_input_tokens=d.n_prompt_tokens, n_output_tokens=d.n_tokens, sample=d.round,
        agreement=found.agreement if found.label is not None else None,
        n_votes=found.n_votes if found.label is not None else None,
    )  # fmt: skip
    # Pass rates and a program were held against the reference answer: they are not the draw's.
    changed = {
        "rationale": rationale, "answer": answer, "knowledge": rules, "accepted": (), "flags": (),
        "difficulty": None, **dict.fromkeys(PROGRAM_COLUMNS), "provenance": source,
    }  # fmt: skip
    return record.model_copy(update=changed)


def _drawn(d: Draw, found: Labelled, by: Writer) -> Drawn:
    return Drawn(
        row_id="", problem_id=d.problem_id, role=d.role, draw=key_text(d),
        adapter_sha256=by.adapters[d.role], rule=by.rule, agreement=found.agreement,
        n_votes=found.n_votes, n_voters=found.n_voters, n_rounds=found.n_rounds,
    )  # fmt: skip
