"""What the interaction loop decides, from draws alone; `loop` makes them.

Each round draws IR's answer to the question, and DR's answer from knowledge that KG wrote for
it. The loop stops when the two answers are equal, or after t rounds (t = 20 in the paper).
`decide` is a pure function of the draws: it has neither the gold answer nor an engine, so any
rule, t or fallback can be replayed on stored draws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal

from lorid_data import answers
from lorid_train.interaction.draws import Decision, Draw, DrawKey, How

Rule = Literal["same_round", "cumulative"]
Fallback = Literal["none", "ir", "dr", "majority"]
SAMPLED = "sampled"


@lru_cache(maxsize=1 << 16)
def _extract(text: str) -> str | None:
    found = answers.extract(text)
    return found.value if isinstance(found, answers.Answer) else None


def answer_of(text: str) -> str | None:
    """The answer that a text states, or None. Remembered, except for very long texts."""
    return _extract(text) if len(text) < 20_000 else _extract.__wrapped__(text)


@lru_cache(maxsize=1 << 18)
def _equal(a: str, b: str) -> bool:
    return answers.equal(a, b) == answers.Verdict.EQUAL


def agree(a: str | None, b: str | None) -> bool:
    """Whether two answers are there and equal, by the one equality of the project. Remembered.

    Very long answers are compared each time they are met: none of them is worth its memory.
    """
    if a is None or b is None:
        return False
    return _equal(a, b) if len(a) + len(b) < 2_000 else _equal.__wrapped__(a, b)


def decide(draws: Iterable[Draw], *, rule: Rule, rounds: int, fallback: Fallback) -> Decision:
    """What the loop answers for one problem, from its sampled IR and DR draws.

    Rules: `same_round` stops at the first round whose IR and DR answers are equal;
    `cumulative` (the official code's) at the first round after which some IR answer so far
    equals some DR answer so far. Where `cumulative` has two candidates, the one with more draws
    behind it wins, then IR's of this round: never the gold answer's choice. Without consensus in
    `rounds` rounds the fallback decides: `none`, the latest answer of `ir` or `dr`, or the
    `majority` of both roles' answers (the earlier one of equals). A missing draw counts as no answer.
    Draws of other roles or conditions are ignored.
    """
    ir: dict[int, str | None] = {}
    dr: dict[int, str | None] = {}
    for d in draws:
        side = ir if d.role == "ir" else dr if d.role == "dr" else None
        if side is not None and d.round <= rounds and d.condition == SAMPLED:
            side[d.round] = answer_of(d.text)
    return decide_answers(ir, dr, rule=rule, rounds=rounds, fallback=fallback)


def decide_answers(
    ir: Mapping[int, str | None],
    dr: Mapping[int, str | None],
    *,
    rule: Rule,
    rounds: int,
    fallback: Fallback,
) -> Decision:
    """`decide` on extracted answers by round (1, 2, …): what a replay of many rules asks for."""
    n_rounds = min(rounds, max([0, *ir, *dr]))
    stop = _same_round if rule == "same_round" else _cumulative
    for r in range(1, n_rounds + 1):
        winner = stop(ir, dr, r)
        if winner is not None:
            return Decision(answer=winner, how=How.CONSENSUS, round=r)
    last = fall_back(ir, dr, n_rounds, fallback)
    how = How.NONE if last is None else How.FALLBACK
    return Decision(answer=last, how=how, round=n_rounds)


Answers = Mapping[int, str | None]


def _same_round(ir: Answers, dr: Answers, r: int) -> str | None:
    """IR's answer of round r where DR's equals it, or None."""
    a, b = ir.get(r), dr.get(r)
    return a if a is not None and b is not None and agree(a, b) else None


def _cumulative(ir: Answers, dr: Answers, r: int) -> str | None:
    """The candidate after round r, or None. Earlier rounds are known to have none.

    So whatever is common now was said in round r, by one side or by both.
    """
    candidates = [
        a for a, others in ((ir.get(r), dr), (dr.get(r), ir))
        if a is not None and any(agree(a, others.get(i)) for i in range(1, r + 1))
    ]  # fmt: skip
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    said = [a for side in (ir, dr) for i, a in side.items() if i <= r]
    return max(candidates, key=lambda c: sum(agree(c, a) for a in said))


def fall_back(
    ir: Mapping[int, str | None], dr: Mapping[int, str | None], n_rounds: int, fallback: Fallback
) -> str | None:
    """Who answers after n rounds without consensus; None where nobody does."""
    if fallback == "none":
        return None
    rounds = range(1, n_rounds + 1)
    if fallback == "majority":
        said = [a for r in rounds for a in (ir.get(r), dr.get(r)) if a is not None]
        if not said:
            return None
        labels = answers.group(said)
        [(label, _)] = Counter(labels).most_common(1)
        return said[labels.index(label)]
    side = ir if fallback == "ir" else dr
    return next((a for r in reversed(rounds) if (a := side.get(r)) is not None), None)


def up_to_stop(
    log: Mapping[DrawKey, Draw],
    problem_ids: Iterable[str],
    seed: int,
    *,
    rule: Rule,
    rounds: int,
) -> dict[str, list[Draw]]:
    """Per problem, the sampled draws of the rounds that the loop looks at, and nothing beyond.

    A full batch holds rounds past a problem's stop. They are left out here, so that nothing that
    follows from these draws depends on the batch size.
    """
    kept = {}
    for problem_id in problem_ids:
        draws = [
            d
            for r in range(1, rounds + 1)
            for role in ("ir", "kg", "dr")
            if (d := log.get(DrawKey(problem_id, role, SAMPLED, seed, r))) is not None
        ]
        stop = decide(draws, rule=rule, rounds=rounds, fallback="none").round
        kept[problem_id] = [d for d in draws if d.round <= stop]
    return kept
