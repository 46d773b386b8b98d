"""Pairs of a question's draws: one that states its label, one that states another answer.

The file that `method: dpo` and `method: redi` read. It holds no prompt: whoever trains on it
makes the prompt with the role's template from `question` and `knowledge`, as for any record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from lorid_data.errors import InputError
from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.schema import FrozenModel, Record, sha256_text
from lorid_train.drawn.labels import Labelled
from lorid_train.drawn.texts import Round, is_whole, key_text, read_by, target
from lorid_train.interaction.draws import Draw

FILE = "pairs.parquet"
"""File of a folder that was exported with pairs."""


class Pair(FrozenModel):
    """One chosen and one rejected text of one role for one question."""

    pair_id: str
    """sha256 of question, role and both texts."""
    problem_id: str
    split: str
    role: str
    question: str
    knowledge: tuple[str, ...]
    """What DR read when it wrote both texts; empty for IR."""
    chosen: str
    """The whole target, as a role is trained to write it, without the format's end."""
    rejected: str
    rule: str
    label: str
    agreement: float
    """Share of the voters that state the label, 0 to 1."""
    n_votes: int
    chosen_draw: str
    """Its key within the question: `ir/sampled/0/3` is role, condition, seed, round."""
    rejected_draw: str
    adapter_sha256: str
    """Of the adapter that wrote both."""


def pairs_of(
    found: Labelled,
    record: Record,
    *,
    rule: str,
    knowledge: Mapping[Round, tuple[str, ...]],
    adapters: Mapping[str, str],
    cap: int | None,
) -> list[Pair]:
    """The pairs of one question; none where nothing disagrees.

    Both texts of a pair were written for the same prompt: draws of DR are paired only where they
    read the same knowledge. Each distinct text stands at least once while `cap` allows it; the
    fewer are used again in turn.

    Args:
        found: the question's draws, decided.
        record: the question.
        rule: by which it was decided.
        knowledge: what KG wrote, by seed and round.
        adapters: sha256 of each role's adapter.
        cap: at most so many pairs per role.
    """
    read = dict.fromkeys((d.role, read_by(d, knowledge)) for d in found.kept)
    made: list[Pair] = []
    for role, rules in read:
        chosen, rejected = (
            _distinct(d for d in side if (d.role, read_by(d, knowledge)) == (role, rules))
            for side in (found.kept, found.others)
        )
        n = max(len(chosen), len(rejected)) if chosen and rejected else 0
        for i in range(n):
            (good, yes), (bad, no) = chosen[i % len(chosen)], rejected[i % len(rejected)]
            made.append(
                Pair(
                    pair_id=sha256_text("\x1f".join((record.problem_id, role, *rules, yes, no))),
                    problem_id=record.problem_id, split=record.split, role=role,
                    question=record.question, knowledge=rules, chosen=yes, rejected=no, rule=rule,
                    label=found.label or "", agreement=found.agreement, n_votes=found.n_votes,
                    chosen_draw=key_text(good), rejected_draw=key_text(bad),
                    adapter_sha256=adapters[role],
                )
            )  # fmt: skip
    return [p for role in dict.fromkeys(p.role for p in made)
            for p in [q for q in made if q.role == role][:cap]]  # fmt: skip


def _distinct(draws: Iterable[Draw]) -> list[tuple[Draw, str]]:
    """The distinct whole texts, each with its first draw."""
    found: dict[str, Draw] = {}
    for d in draws:
        text = target(d.text) if is_whole(d) else None
        if text is not None:
            found.setdefault(text, d)
    return [(d, text) for text, d in found.items()]


def write_pairs(folder: Path, pairs: Iterable[Pair]) -> None:
    """Write pairs into an exported folder."""
    write_rows(folder / FILE, Pair, pairs)


def read_pairs(folder: Path, role: str) -> list[Pair]:
    """The pairs of one role.

    Raises:
        InputError: the folder was exported without pairs, or holds none of this role.
    """
    if not (folder / FILE).is_file():
        msg = f"{folder}: holds no pairs; make them with lorid-train export-draws EVAL --pairs --out DIR"
        raise InputError(msg)
    found = [p for p in read_rows(folder / FILE, Pair) if p.role == role]
    if not found:
        msg = f"{folder / FILE}: no pairs of role {role!r}; export its draws with --roles {role}"
        raise InputError(msg)
    return found
