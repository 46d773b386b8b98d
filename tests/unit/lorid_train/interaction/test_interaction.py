"""decide() on small tables, and run's halves on a scripted engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data.schema import Question
from lorid_train.engines.base import GenRequest, GenResult, Pull, Sampling
from lorid_train.engines.scripted import ScriptedEngine
from lorid_train.interaction.draws import Decision, Draw, DrawKey, DrawLog, How, draw_seed
from lorid_train.interaction.loop import GREEDY, Asker, Loop, Wanted, greedy_keys, sampled_keys
from lorid_train.interaction.rules import Fallback, Rule, decide, up_to_stop


def draw(role: str, r: int, answer: str | None, condition: str = "sampled") -> Draw:
    text = "no idea" if answer is None else f"so\n--> {answer} END"
    return Draw(
        problem_id="p", role=role, condition=condition, seed=0, round=r, text=text, finish_reason="stop",
        n_prompt_tokens=3, n_tokens=4, prompt_sha256="x",
    )  # fmt: skip


def table(ir: list[str | None], dr: list[str | None]) -> list[Draw]:
    return [draw("ir", i + 1, a) for i, a in enumerate(ir)] + [
        draw("dr", i + 1, a) for i, a in enumerate(dr)
    ]


CASES: list[tuple[Rule, Fallback, list[str | None], list[str | None], str | None, How, int]] = [
    ("same_round", "none", ["1"], ["1"], "1", How.CONSENSUS, 1),
    ("same_round", "none", ["1", "2"], ["2", "2"], "2", How.CONSENSUS, 2),
    ("same_round", "none", ["1", "2"], ["2", "1"], None, How.NONE, 2),
    ("same_round", "ir", ["1", "3"], ["2", "4"], "3", How.FALLBACK, 2),
    ("same_round", "ir", ["1", None], ["2", "4"], "1", How.FALLBACK, 2),
    ("same_round", "dr", ["1", "3"], ["2", "4"], "4", How.FALLBACK, 2),
    ("same_round", "majority", ["1", "2", "5"], ["2", "3", "1"], "1", How.FALLBACK, 3),
    ("same_round", "none", [None], [None], None, How.NONE, 1),
    ("same_round", "none", ["1,080"], ["1080"], "1,080", How.CONSENSUS, 1),
    ("same_round", "none", ["0.5"], [r"\frac{1}{2}"], "0.5", How.CONSENSUS, 1),
    ("cumulative", "none", ["1", "3"], ["2", "1"], "1", How.CONSENSUS, 2),
    # two candidates after round 2: IR's of this round wins a tie, more draws win otherwise
    ("cumulative", "none", ["1", "2"], ["2", "1"], "2", How.CONSENSUS, 2),
    ("cumulative", "none", ["1", "1", "2"], ["2", "3", "1"], "1", How.CONSENSUS, 3),
]


@pytest.mark.parametrize(("rule", "fallback", "ir", "dr", "answer", "how", "r"), CASES)
def test_decide(
    rule: Rule,
    fallback: Fallback,
    ir: list[str | None],
    dr: list[str | None],
    answer: str | None,
    how: How,
    r: int,
) -> None:
    got = decide(table(ir, dr), rule=rule, rounds=len(ir), fallback=fallback)
    assert got == Decision(answer=answer, how=how, round=r)


def test_rounds_beyond_t_and_other_conditions_do_not_count() -> None:
    draws = [*table(["1", "2"], ["3", "2"]), draw("dr", 1, "1", condition="gold-knowledge")]
    assert decide(draws, rule="same_round", rounds=1, fallback="none").how == How.NONE


def test_no_draws_at_all() -> None:
    assert decide([], rule="cumulative", rounds=3, fallback="majority") == Decision(
        answer=None, how=How.NONE, round=0
    )


answers_ = st.lists(st.sampled_from(["1", "2", "3", None]), min_size=1, max_size=6)


@given(answers_, answers_, st.sampled_from(["same_round", "cumulative"]), st.randoms())
def test_order_of_draws_does_not_matter_and_rounds_only_add(
    ir: list[str | None], dr: list[str | None], rule: Rule, random: Random
) -> None:
    draws = table(ir, dr)
    decisions = [decide(draws, rule=rule, rounds=t, fallback="none") for t in range(1, 7)]
    shuffled = list(draws)
    random.shuffle(shuffled)
    assert decide(shuffled, rule=rule, rounds=6, fallback="none") == decisions[-1]
    for earlier, later in pairwise(decisions):
        if earlier.how == How.CONSENSUS:
            assert later == earlier


# --- run --------------------------------------------------------------------------------------

N_ROUNDS = 5
IDS = [f"p{i}" for i in range(7)]
QUESTIONS = {i: Question(i, f"question {i}") for i in IDS}


def script(request: GenRequest) -> str:
    """Problem i agrees in round i + 1; p5 and p6 never. KG says its round; DR must have read it."""
    key = request.key
    assert isinstance(key, DrawKey)
    if key.role == "kg":
        return f" rule of round {key.round} "
    if key.condition == "sampled" and key.role == "dr":
        assert (
            f"Knowledge: rule of round {key.round}\n" in request.prompt
        )  # stripped, of its own round
    i = IDS.index(key.problem_id)
    agrees = key.role == "ir" or key.round == i + 1
    return f"--> {key.round if agrees else 99} END"


def run_loop(
    tmp_path: Path, batch_size: int, *, exhaustive: bool = False, stop_after: int | None = None
) -> DrawLog:
    log = DrawLog(tmp_path / "draws.jsonl")
    engine = ScriptedEngine(script, batch_size=batch_size)

    def maybe_stop(_: Draw) -> None:
        if stop_after is not None and len(log) >= stop_after:
            raise KeyboardInterrupt

    asker = Asker(engine, log, QUESTIONS, Sampling(0.8), on_draw=maybe_stop)
    asker.draw(Loop(IDS, log, seed=0, rounds=N_ROUNDS, rule="same_round", exhaustive=exhaustive))
    return log


def decisions_of(log: DrawLog) -> list[Decision]:
    by = {i: [d for d in log.draws().values() if d.problem_id == i] for i in IDS}
    return [decide(by[i], rule="same_round", rounds=N_ROUNDS, fallback="none") for i in IDS]


def test_lazy_stops_where_exhaustive_agrees(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    lazy, full = run_loop(tmp_path / "a", 1), run_loop(tmp_path / "b", 8, exhaustive=True)
    assert decisions_of(lazy) == decisions_of(full)
    assert [d.round for d in decisions_of(lazy)] == [1, 2, 3, 4, 5, 5, 5]
    assert len(full) == 3 * N_ROUNDS * len(IDS)
    assert len(lazy) == 3 * (1 + 2 + 3 + 4 + 5 + 5 + 5)  # one at a time: nothing ahead of need


@pytest.mark.parametrize("batch_size", [2, 16, 1000])
def test_batch_size_changes_no_decision_and_no_used_draw(tmp_path: Path, batch_size: int) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, many = run_loop(tmp_path / "a", 1), run_loop(tmp_path / "b", batch_size)
    assert decisions_of(one) == decisions_of(many)

    def kept(log: DrawLog) -> dict[DrawKey, Draw]:
        per_problem = up_to_stop(log.draws(), IDS, 0, rule="same_round", rounds=N_ROUNDS)
        return {d.key: d for draws in per_problem.values() for d in draws}

    assert kept(one) == kept(many) == one.draws()


def test_interrupted_and_resumed_draws_nothing_twice(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_loop(tmp_path, 4, stop_after=20)
    first = (tmp_path / "draws.jsonl").read_bytes()
    log = run_loop(tmp_path, 4)
    text = (tmp_path / "draws.jsonl").read_bytes()
    assert text.startswith(first)
    assert text.count(b"\n") == len(log)
    assert [d.round for d in decisions_of(log)] == [1, 2, 3, 4, 5, 5, 5]


def test_a_torn_last_line_is_taken_back(tmp_path: Path) -> None:
    log = run_loop(tmp_path, 4)
    whole = (tmp_path / "draws.jsonl").read_bytes()
    (tmp_path / "draws.jsonl").write_bytes(whole + b'{"problem_id": "p0", "ro')
    again = run_loop(tmp_path, 4)
    assert (tmp_path / "draws.jsonl").read_bytes() == whole
    assert again.draws() == log.draws()


def test_greedy_draws_read_greedy_or_gold_knowledge(tmp_path: Path) -> None:
    read = {}

    def remember(request: GenRequest) -> str:
        assert isinstance(request.key, DrawKey)
        assert request.sampling.temperature == 0
        read[request.key.role, request.key.condition] = request.prompt
        return "  KG wrote this "

    log = DrawLog(tmp_path / "d")
    given = {("p0", "gold-knowledge"): "GOLD", ("p0", "empty-knowledge"): ""}
    asker = Asker(ScriptedEngine(remember), log, QUESTIONS, Sampling(0.8), knowledge=given)
    asker.draw(Wanted(greedy_keys(["p0", "p1"], 0, [*GREEDY, "empty-knowledge"], given), log))
    assert "Knowledge: KG wrote this\n" in read["dr", "kg-knowledge"]
    assert "Knowledge: GOLD\n" in read["dr", "gold-knowledge"]
    assert set(read) == {
        ("ir", "greedy"),
        ("kg", "greedy"),
        ("dr", "kg-knowledge"),
        ("dr", "gold-knowledge"),
        ("dr", "empty-knowledge"),
    }
    assert "Knowledge: \n" in read["dr", "empty-knowledge"]


def test_every_draw_has_its_own_seed() -> None:
    keys = (
        sampled_keys(IDS, 0, "ir", 20)
        + sampled_keys(IDS, 1, "ir", 20)
        + sampled_keys(IDS, 0, "dr", 20)
    )
    seeds = {draw_seed(k) for k in keys}
    assert len(seeds) == len(keys)
    assert all(0 <= s < 2**63 for s in seeds)


def test_an_engine_that_asks_in_vain_costs_nothing(tmp_path: Path) -> None:
    """At every step an engine with room asks again; the wants are gone through after news only."""
    n_looks = 0

    class Counted(Wanted):
        def next_keys(self) -> Iterator[DrawKey]:
            nonlocal n_looks
            n_looks += 1
            return super().next_keys()

    class Impatient(ScriptedEngine):
        def generate(self, pull: Pull) -> Iterator[GenResult]:
            def persistent(n: int) -> Sequence[GenRequest]:
                got = list(pull(n))
                for _ in range(100):
                    got += pull(n - len(got))
                return got

            return super().generate(persistent)

    log = DrawLog(tmp_path / "d")
    engine = Impatient(script, batch_size=2)
    keys = [*sampled_keys(IDS, 0, "kg", 2), *sampled_keys(IDS, 0, "dr", 2)]
    Asker(engine, log, QUESTIONS, Sampling(0.8)).draw(Counted(keys, log))
    assert len(log) == len(keys)
    assert n_looks < 3 * len(keys)


def test_lone_surrogates_are_stored_as_replacement(tmp_path: Path) -> None:
    log = DrawLog(tmp_path / "d")
    Asker(ScriptedEngine(lambda _: "a\udc80b"), log, QUESTIONS, Sampling(0.8)).draw(
        Wanted(sampled_keys(["p0"], 0, "ir", 1), log)
    )
    [d] = log.draws().values()
    assert d.text == "a?b"
