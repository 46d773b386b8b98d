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
from lorid_train.interaction import rule_files, three_way, weighed
from lorid_train.interaction.draws import Decision, Draw, DrawKey, How
from lorid_train.interaction.three_way import EQUAL, Missing, ThreeWay, Votes
from lorid_train.interaction.weigher import Weigher

Rule = Literal["same_round", "cumulative", "weighed", ThreeWay]
Fallback = Literal["none", "ir", "dr", "majority", "cg"]
SAMPLED = "sampled"
Answers = Mapping[int, str | None]
"""A role's answers by round; None where a draw states none."""


@lru_cache(maxsize=1 << 16)
def _extract(text: str) -> str | None:
    found = answers.extract(text)
    return found.value if isinstance(found, answers.Answer) else None


def answer_of(text: str) -> str | None:
    """The answer that a text states, or None. Remembered, except for very long texts."""
    return _extract(text) if len(text) < 20_000 else _extract.__wrapped__(text)


def answer_to(draw: Draw) -> str | None:
    """The answer of a draw: what its text states, or what its program gave."""
    return draw.answer(answer_of)


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


def decide(
    draws: Iterable[Draw],
    *,
    rule: Rule,
    rounds: int,
    fallback: Fallback,
    weigher: Weigher | None = None,
    votes: Votes = EQUAL,
) -> Decision:
    """What the loop answers for one problem, from its sampled IR, DR and CG draws.

    Rules: `same_round` stops at the first round whose IR and DR answers are equal;
    `cumulative` (the official code's) at the first round after which some IR answer so far
    equals some DR answer so far. Where `cumulative` has two candidates, the one with more draws
    behind it wins, then IR's of this round: never the gold answer's choice. Without consensus in
    `rounds` rounds the fallback decides: `none`, the latest answer of `ir` or `dr`, or the
    `majority` of both roles' answers (the earlier one of equals). A missing draw counts as no answer.
    Draws of other roles or conditions are ignored.

    `weighed` counts votes (`weighed.play`) with `weigher`, by default the packaged one: it stops
    where the likeliest answer is likely enough, and draws either role alone. Where it never is, that
    answer is given all the same, unless the fallback is `none`.

    The rules of `three_way`, and the fallback `cg`, look at CG's draws too; `votes` are what
    `cg_votes` counts.
    """
    if three_way.is_three_way(rule, fallback):
        draws = list(draws)
        last = min(rounds, max((d.round for d in draws if d.condition == SAMPLED), default=1))
        look = three_way.table_of(draws, answer_to, SAMPLED)
        return three_way.play(
            lambda role, r: look(role, r) or three_way.Said(None),
            rule=rule, rounds=last, fallback=fallback, agree=agree, votes=votes,
        )  # fmt: skip
    ir, dr = sides(draws, rounds)
    return decide_answers(ir, dr, rule=rule, rounds=rounds, fallback=fallback, weigher=weigher)


def sides(draws: Iterable[Draw], rounds: int) -> tuple[Answers, Answers]:
    """The answers of the sampled draws of IR and of DR by round, up to a round."""
    ir: dict[int, str | None] = {}
    dr: dict[int, str | None] = {}
    of = {"ir": ir, "dr": dr}
    for d in draws:
        r = d.round
        if r <= rounds and (side := of.get(d.role)) is not None and d.condition == SAMPLED:
            side[r] = answer_of(d.text)
    return ir, dr


def in_order(side: Answers) -> list[str | None]:
    """The answers of rounds 1, 2, … up to the first that is missing."""
    found: list[str | None] = []
    while len(found) + 1 in side:
        found.append(side[len(found) + 1])
    return found


def game_of(ir: Answers, dr: Answers, rounds: int, weigher: Weigher) -> weighed.Game:
    """The game of the rule `weighed` on answers by round."""
    return weighed.play(in_order(ir), in_order(dr), weigher, rounds=rounds, agree=agree)


def decided(game: weighed.Game, fallback: Fallback) -> Decision:
    """What a game decides, whether or not it had all draws that it wants."""
    answer = game.answer if game.is_enough or fallback != "none" else None
    how = How.CONSENSUS if game.is_enough else How.NONE if answer is None else How.FALLBACK
    return Decision(
        answer=answer, how=how, round=game.round, n_ir=game.n_ir, n_dr=game.n_dr,
        probability=game.probability,
    )  # fmt: skip


def decide_answers(
    ir: Mapping[int, str | None],
    dr: Mapping[int, str | None],
    *,
    rule: Rule,
    rounds: int,
    fallback: Fallback,
    weigher: Weigher | None = None,
) -> Decision:
    """`decide` on extracted answers by round (1, 2, …): what a replay of many rules asks for."""
    if rule == "weighed":
        used = weigher or rule_files.default_weigher()
        return decided(game_of(ir, dr, rounds, used), fallback)
    n_rounds = min(rounds, max([0, *ir, *dr]))
    stop = _same_round if rule == "same_round" else _cumulative
    for r in range(1, n_rounds + 1):
        winner = stop(ir, dr, r)
        if winner is not None:
            return Decision(answer=winner, how=How.CONSENSUS, round=r)
    last = fall_back(ir, dr, n_rounds, fallback)
    how = How.NONE if last is None else How.FALLBACK
    return Decision(answer=last, how=how, round=n_rounds)


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
    weigher: Weigher | None = None,
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
        found = decide(draws, rule=rule, rounds=rounds, fallback="none", weigher=weigher)
        n_ir, n_dr = found.drawn
        kept[problem_id] = [d for d in draws if d.round <= (n_ir if d.role == "ir" else n_dr)]
    return kept


def conclude(
    draws: Iterable[Draw],
    *,
    rule: Rule,
    rounds: int,
    fallback: Fallback,
    weigher: Weigher | None = None,
    abstain_below: float | None = None,
    votes: Votes = EQUAL,
) -> Decision | None:
    """`decide`, with the chance that the answer is right; None where `weighed` or a rule of programs lacks a draw.

    Under the other rules the chance is what `weigher` gives the answer after the votes of all
    rounds that were looked at.

    Args:
        draws: as for `decide`.
        rule: as for `decide`.
        rounds: as for `decide`.
        fallback: as for `decide`.
        weigher: the fitted rule; the packaged one by default.
        abstain_below: answers with a lower chance are withheld; none are by default. Rules of
            programs give no chance, and withhold nothing.
        votes: what `cg_votes` counts.
    """
    used = weigher or rule_files.default_weigher()
    if three_way.is_three_way(rule, fallback):
        look = three_way.table_of(draws, answer_to, SAMPLED)
        try:
            return three_way.play(
                look, rule=rule, rounds=rounds, fallback=fallback, agree=agree, votes=votes
            )
        except Missing:
            return None
    ir, dr = sides(draws, rounds)
    if rule == "weighed":
        game = game_of(ir, dr, rounds, used)
        if game.wants is not None:
            return None
        found = decided(game, fallback)
    else:
        found = decide_answers(ir, dr, rule=rule, rounds=rounds, fallback=fallback)
        found = with_probability(found, ir, dr, used)
    return abstained(found, abstain_below)


def with_probability(found: Decision, ir: Answers, dr: Answers, weigher: Weigher) -> Decision:
    """A decision of whole rounds, with the chance that its answer is right after their votes."""
    of_ir, of_dr = ([side.get(r) for r in range(1, found.round + 1)] for side in (ir, dr))
    p = weighed.probability(of_ir, of_dr, found.answer, weigher, agree=agree)
    return found.model_copy(update={"probability": p})


def abstained(found: Decision, below: float | None) -> Decision:
    """The decision, or its answer withheld where the chance that it is right is too low."""
    if below is None or found.answer is None or (found.probability or 0.0) >= below:
        return found
    return found.model_copy(update={"answer": None, "how": How.ABSTAINED, "withheld": found})
