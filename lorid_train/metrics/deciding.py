"""A problem's draws under one seed, in order, and what a rule decides of them at each threshold.

No answer is graded here: which draws a rule asks for is told without the gold answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from lorid_train.interaction.draws import Decision, Draw
from lorid_train.roles import ROLES

Decide = Callable[[Sequence[Draw], int], Decision | None]
"""The loop's decision from one problem's sampled ir and dr draws, at a threshold t; None where
draws that it asks for are missing."""
Table = Mapping[tuple[str, str], Mapping[int, Draw]]
"""A problem's draws under one seed, by (role, condition), then by round."""
LOOKED_AT = ("ir", "dr", "cg")
"""The roles whose answers a rule may look at."""


def by_seed(draws: Iterable[Draw]) -> dict[int, Table]:
    """All draws of one problem as tables, in order of seed."""
    found: dict[int, dict[tuple[str, str], dict[int, Draw]]] = {}
    for d in draws:
        found.setdefault(d.seed, {}).setdefault((d.role, d.condition), {})[d.round] = d
    return {seed: found[seed] for seed in sorted(found)}


def in_order(draws: Mapping[int, Draw]) -> list[Draw]:
    """The draws of rounds 1, 2, … up to the first gap."""
    found: list[Draw] = []
    while (draw := draws.get(len(found) + 1)) is not None:
        found.append(draw)
    return found


def pairs(table: Table) -> tuple[list[Draw], list[Draw], list[Draw]]:
    """The sampled draws of IR, of KG and of DR, as far as DR has knowledge to read."""
    ir, kg, dr = (in_order(table.get((role, "sampled"), {})) for role in ("ir", "kg", "dr"))
    return ir, kg, dr[: len(kg)]


def answering(table: Table) -> dict[tuple[str, int], tuple[Draw, int]]:
    """All sampled draws of a problem that has programs, by role and round, each with its cost in tokens.

    A rule in which programs have a say leaves gaps: what cannot change a decision is not drawn.
    """
    programs = {name for name, role in ROLES.items() if role.answer_from == "execution"}
    if not any(role in programs and how == "sampled" for role, how in table):
        return {}
    kg = table.get(("kg", "sampled"), {})
    found = {}
    for role in LOOKED_AT:
        for r, d in sorted(table.get((role, "sampled"), {}).items()):
            if role != "dr" or r in kg:
                found[role, r] = (d, d.n_tokens + (kg[r].n_tokens if role == "dr" else 0))
    return found


def decisions_of(
    table: Table, decide: Decide, rounds: int, *, in_pairs: bool
) -> tuple[Decision | None, ...]:
    """The decision at t = 1, 2, …; None where draws are missing for that t.

    Args:
        table: the draws.
        decide: the rule.
        rounds: the largest t.
        in_pairs: whether the rule takes whole rounds; then, once there is a consensus, a larger t
            changes nothing. Else it is asked at every t, and says itself where draws are missing.
    """
    ir, _, dr = pairs(table)
    others = [d for d, _ in answering(table).values() if d not in ir and d not in dr]
    n_pairs = min(len(ir), len(dr))
    made: list[Decision | None] = []
    for t in range(1, rounds + 1):
        last = made[-1] if made else None
        if in_pairs and last is not None and last.is_agreed:
            made.append(last)
        elif t <= n_pairs or (not in_pairs and (ir or dr or others)):
            made.append(decide([*ir[:t], *dr[:t], *(d for d in others if d.round <= t)], t))
        else:
            made.append(None)
    return tuple(made)


def last_decisions(
    draws: Iterable[Draw], decide: Decide, rounds: int, *, in_pairs: bool
) -> list[Decision | None]:
    """Per seed, in order of seed, the decision at the largest threshold; None where draws are missing.

    Args:
        draws: all draws of one problem, any order.
        decide: as for `decisions_of`.
        rounds: the threshold, at least 1.
        in_pairs: as for `decisions_of`.
    """
    return [
        decisions_of(table, decide, rounds, in_pairs=in_pairs)[-1]
        for table in by_seed(draws).values()
    ]
