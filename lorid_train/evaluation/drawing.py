"""Every draw that an evaluation asks for, in order; what the log holds is not asked again.

First the greedy systems, then the interaction loop under every seed, then the further rounds that
majority voting needs at the loop's cost, then those that are asked for by number. No gold answer
is anywhere near.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lorid_data.commandline.progress import Progress, say
from lorid_data.errors import ConfigError
from lorid_data.folders.evaluations import SAMPLED_GIVEN
from lorid_data.prompts import Prompt
from lorid_data.schema import Record
from lorid_data.texts.counting import count
from lorid_train.config import EvalConfig
from lorid_train.engines.base import TOO_LONG, Engine, Sampling
from lorid_train.evaluation import ablation, planned
from lorid_train.interaction import rule_files, three_way, votes_files
from lorid_train.interaction.draws import Draw, DrawKey, DrawLog
from lorid_train.interaction.loop import Asker, Loop, Wanted, greedy_keys, sampled_keys
from lorid_train.interaction.programs import Run
from lorid_train.interaction.rules import up_to_stop
from lorid_train.interaction.three_way_loop import ThreeWayLoop, looked_at
from lorid_train.interaction.weighed_loop import WeighedLoop
from lorid_train.metrics.schedule import votes_to_draw
from lorid_train.roles import ROLES, knowledge_text

"""The roles of the interaction loop."""
_FROM_KG = (ablation.KG, ablation.SHUFFLED, ablation.OTHER)
"""Conditions that KG writes for; the last two where the dataset has no knowledge."""


def needed_roles(config: EvalConfig) -> tuple[str, ...]:
    """The roles that an evaluation draws, and whose adapters it needs.

    Raises:
        ConfigError: `greedy` or `samples` name what there is not, or nothing is to be drawn.
    """
    alone = [r.name for r in ROLES.values() if not r.reads_knowledge]
    known = (*alone, *ablation.CONDITIONS)
    problems = [
        f"greedy: there is no {name!r}; there are {', '.join(known)}"
        for name in config.greedy
        if name not in known
    ]
    problems += [
        f"samples: there is no role {r!r}; there are {', '.join(ROLES)}, and {ablation.GOLD} for DR on the dataset's own"
        for r in config.samples
        if r not in (*ROLES, ablation.GOLD)
    ]
    problems += [
        f"samples: {role} is {n}; give a number of rounds, 0 or more"
        for role, n in config.samples.items()
        if n < 0
    ]
    if problems:
        raise ConfigError(*problems)
    needed = {role for role, n in _sampled(config).items() if n}
    needed |= {"dr"} if config.samples.get(ablation.GOLD) else set()
    needed |= (
        set(planned.of_loop(config)) if config.loop else {"ir"} if config.votes != "none" else set()
    )
    for name in config.greedy:
        needed |= {name} if name in ROLES else {"dr"}
        if name in _FROM_KG:
            needed.add("kg")
    if not needed:
        raise ConfigError("nothing is to be drawn: no loop, no votes, no greedy, no samples")
    return tuple(r for r in ROLES if r in needed)


def _sampled(config: EvalConfig) -> dict[str, int]:
    """Rounds by role that are asked for by number: KG's first, which DR reads."""
    n_kg = max(config.samples.get("kg", 0), config.samples.get("dr", 0))
    named = {r: n for r, n in config.samples.items() if r not in ("kg", ablation.GOLD)}
    return {"kg": n_kg, **named}


def draw_all(
    config: EvalConfig, records: Sequence[Record], log: DrawLog, make: Callable[[], Engine],
    prompts: Mapping[str, Prompt] | None = None,
    run: Run | None = None,
) -> None:  # fmt: skip
    """Make every draw that the log lacks. `make` is called when there is a first one to make.

    `prompts` are, by role, texts in the place of the roles' own; `run` runs what roles that write
    programs draw.
    """
    ids = [r.problem_id for r in records]
    gold = {r.problem_id: knowledge_text(r.knowledge) for r in records if r.knowledge}
    with Progress("evaluate", None, done=len(log)) as progress:
        asker = Asker(
            engine=_Lazy(lambda: _loaded(make, progress)),
            log=log,
            questions={r.problem_id: r.as_question() for r in records},
            sampling=Sampling(config.temperature, config.top_p, config.top_k, config.max_new_tokens),
            prompts=prompts or {},
            run=run,
            on_draw=lambda d: progress.advance(tokens=d.n_tokens),
        )  # fmt: skip
        b = planned.bounds(config, len(ids), has_knowledge=bool(gold))
        # How many votes cost as many tokens as the loop is known after it, and nothing bounds it before.
        # Greedy DR is not asked where there is no knowledge of the kind: fewer, again.
        may_be_less = not b.is_exact or bool(set(config.greedy) & set(ablation.CONDITIONS))
        progress.limit(b.most, is_bound=may_be_less, then="votes" * b.has_votes)
        _draw_greedy(config, ids, gold, asker)
        seeds = range(config.seed, config.seed + config.seeds)
        _draw_given(asker, seeds, gold, config.samples.get(ablation.GOLD, 0))
        if config.loop:
            _draw_loop(config, ids, seeds, asker, log, progress)
        elif config.votes != "none":
            _draw_rounds(asker, ids, seeds, {"ir": config.rounds})
        _draw_rounds(asker, ids, seeds, _sampled(config))
    if said := too_long(log.draws().values()):
        say(said)


def too_long(draws: Iterable[Draw]) -> str | None:
    """A warning of draws whose prompt left the model no room, so that they have no text; None without any."""
    found = [d for d in draws if d.finish_reason == TOO_LONG]
    if not found:
        return None
    n_questions, longest = len({d.problem_id for d in found}), max(d.n_prompt_tokens for d in found)
    return (
        f"warning: {count(len(found), 'draw')} of {count(n_questions, 'question')} have no text: their prompts (up to "
        f"{longest:,} tokens) leave the model no room; they count as without an answer, and end with {TOO_LONG!r}"
    )


def _draw_loop(
    config: EvalConfig,
    ids: Sequence[str],
    seeds: range,
    asker: Asker,
    log: DrawLog,
    progress: Progress,
) -> None:
    """The interaction loop under every seed, and the votes at its cost."""
    exhaustive = config.schedule == "exhaustive"
    for seed in seeds:
        if three_way.is_three_way(config.rule, config.fallback):
            _draw_three_way(config, ids, seed, asker, log)
            continue
        if config.rule == "weighed" and not exhaustive:
            weigher = rule_files.load(config.rule_file).weigher()
            asker.draw(
                WeighedLoop(ids, log, seed=seed, rounds=config.rounds, weigher=weigher)
            )  # fmt: skip
            continue
        asker.draw(
            Loop(ids, log, seed=seed, rounds=config.rounds, rule=config.rule, exhaustive=exhaustive)
        )
    votes = _n_votes(config, ids, seeds, log)
    rounds = {r: max(votes.get(r, 0), n) for r, n in {**votes, **_sampled(config)}.items()}
    keys = (k for r, n in rounds.items() for s in seeds for k in sampled_keys(ids, s, r, n))
    progress.limit(len(log) + sum(k not in log for k in keys))
    _draw_rounds(asker, ids, seeds, votes)


def _draw_three_way(
    config: EvalConfig, ids: Sequence[str], seed: int, asker: Asker, log: DrawLog
) -> None:
    """A rule in which programs have a say, under one seed."""
    if config.schedule == "exhaustive":
        _draw_rounds(asker, ids, range(seed, seed + 1), dict.fromkeys(planned.of_loop(config), config.rounds))  # fmt: skip
        return
    asker.draw(
        ThreeWayLoop(
            ids, log, seed=seed, rounds=config.rounds, rule=config.rule, fallback=config.fallback,
            votes=votes_files.load(config.votes_file).votes,
        )
    )  # fmt: skip


def _draw_greedy(
    config: EvalConfig, ids: Sequence[str], gold: Mapping[str, str], asker: Asker
) -> None:
    """The greedy systems; where the dataset has no knowledge, KG's is shuffled and passed around."""
    wanted: list[str] = list(config.greedy)
    from_kg = not gold and {ablation.SHUFFLED, ablation.OTHER} & set(wanted)
    asker.knowledge = ablation.conditioned(ids, gold, gold)
    first = [*wanted, "kg"] if from_kg else wanted
    asker.draw(Wanted(greedy_keys(ids, config.seed, first, asker.knowledge), asker.log))
    if from_kg:
        written = {
            p: asker.log[DrawKey(p, "kg", "greedy", config.seed, 1)].text.strip() for p in ids
        }
        asker.knowledge = ablation.conditioned(ids, gold, written)
        keys = greedy_keys(ids, config.seed, wanted, asker.knowledge)
        asker.draw(Wanted(keys, asker.log))


def _draw_rounds(
    asker: Asker, ids: Sequence[str], seeds: range, n_rounds: Mapping[str, int]
) -> None:
    """Rounds 1 to n of each role, for every problem and seed."""
    keys = [
        key
        for role, n in n_rounds.items()
        for seed in seeds
        for key in sampled_keys(ids, seed, role, n)
    ]
    asker.draw(Wanted(keys, asker.log))


def _draw_given(asker: Asker, seeds: range, gold: Mapping[str, str], n_rounds: int) -> None:
    """Sampled draws of DR on the dataset's own knowledge, where it has any."""
    asker.knowledge = {(p, SAMPLED_GIVEN): text for p, text in gold.items()}
    keys = [
        DrawKey(p, "dr", SAMPLED_GIVEN, seed, r)
        for seed in seeds
        for r in range(1, n_rounds + 1)
        for p in gold
    ]
    asker.draw(Wanted(keys, asker.log))


def _n_votes(config: EvalConfig, ids: Sequence[str], seeds: range, log: DrawLog) -> dict[str, int]:
    """Rounds of each role for majority voting at the loop's cost; told from token counts alone."""
    if config.votes == "none":
        return {}
    loop: list[int] = []
    ir: list[list[int]] = []
    dr: list[list[int]] = []
    weigher = rule_files.load(config.rule_file).weigher() if config.rule == "weighed" else None
    for seed in seeds:
        if three_way.is_three_way(config.rule, config.fallback):
            used = looked_at(
                log.draws(), ids, seed, rule=config.rule, rounds=config.rounds, fallback=config.fallback,
                votes=votes_files.load(config.votes_file).votes,
            )  # fmt: skip
        else:
            used = up_to_stop(
                log.draws(), ids, seed, rule=config.rule, rounds=config.rounds, weigher=weigher
            )
        for draws in used.values():
            cost = {(d.role, d.round): d.n_tokens for d in draws}
            loop.append(sum(cost.values()))
            ir.append([n for (role, _), n in cost.items() if role == "ir"])
            dr.append([cost["kg", r] + n for (role, r), n in cost.items() if role == "dr"])
    n_ir, n_dr = votes_to_draw(loop, ir), votes_to_draw(loop, dr)
    return {"ir": n_ir} if config.votes == "ir" else {"ir": n_ir, "kg": n_dr, "dr": n_dr}


def _loaded(make: Callable[[], Engine], progress: Progress) -> Engine:
    """The engine; while it is loaded, which may take minutes, the line of progress says so."""
    progress.note = lambda *_: "loading the model"
    try:
        return make()
    finally:
        progress.note = None


class _Lazy:
    """An engine that is made when it is first asked: a finished log needs no model."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._make = make
        self._engine: Engine | None = None

    def __getattr__(self, name: str) -> Any:
        if self._engine is None:
            self._engine = self._make()
        return getattr(self._engine, name)
