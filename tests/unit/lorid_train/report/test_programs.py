"""An evaluation in which programs were drawn: graded by what they gave, rules as systems, shares and agreements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from lorid_data.execution.opened import opened
from lorid_data.schema import Provenance, Record, problem_id
from lorid_train.evaluation import programs as evaluated
from lorid_train.interaction.draws import Draw, Ran
from lorid_train.interaction.programs import runner
from lorid_train.metrics.programs import of_programs
from lorid_train.report.markdown import render_markdown
from lorid_train.report.page import render_html
from lorid_train.report.view import EvaluationView, Replay, view_of

QUESTIONS = ("Tom has 3 pens and buys 4. How many?", "Ann has 8 pens and sells 2. How many?")
GOLD = ("7", "6")


def records() -> list[Record]:
    return [
        Record(
            row_id=f"r{i}", problem_id=problem_id(q), original_id=problem_id(q), source="s", split="test", question=q,
            rationale="So.", answer=a, level="1", provenance=Provenance(teacher="source"),
        )
        for i, (q, a) in enumerate(zip(QUESTIONS, GOLD, strict=True))
    ]  # fmt: skip


def draw(pid: str, role: str, r: int, answer: str | None, *, grounded: bool = True, cost: int = 10) -> Draw:  # fmt: skip
    ran = None
    if role == "cg":
        ran = Ran(status="ok" if answer else "error", answer=answer, is_grounded=grounded, sandbox="s 1")  # fmt: skip
    text = (
        "answer = 1"
        if role == "cg"
        else "Rule."
        if role == "kg"
        else f"--> {answer} END"
        if answer
        else "no idea"
    )
    return Draw(
        problem_id=pid, role=role, condition="sampled", seed=0, round=r, text=text, finish_reason="stop",
        n_prompt_tokens=1, n_tokens=cost, prompt_sha256="x", executed=ran,
    )  # fmt: skip


Sides = dict[str, list[str | None]]


def draws_of(sides: Sequence[Sides]) -> dict[str, list[Draw]]:
    found = {}
    for record, of in zip(records(), sides, strict=True):
        pid = record.problem_id
        found[pid] = [draw(pid, role, r, a) for role, said in of.items() for r, a in enumerate(said, 1)]  # fmt: skip
        found[pid] += [draw(pid, "kg", r, None, cost=5) for r in range(1, len(of["dr"]) + 1)]
    return found


FULL: list[Sides] = [
    {"ir": ["1", "7"], "dr": ["2", "7"], "cg": [None, "7"]},
    {"ir": ["6", "6"], "dr": ["6", "6"], "cg": ["9", "6"]},
]


def view(sides: Sequence[Sides], **changes: object) -> EvaluationView:
    of = draws_of(sides)
    replay = Replay(rounds=2, **changes)  # type: ignore[arg-type]
    return view_of("v", records(), lambda pid: of[pid], replay=replay, exhaustive=True, voted=())


def right_and_tokens(v: EvaluationView, system: str) -> list[tuple[bool, int]]:
    return [(o.verdict == "correct", o.n_tokens) for o in v.scored.outcomes[system]]


def test_every_rule_is_a_system_that_costs_what_it_looked_at() -> None:
    v = view(FULL)
    assert right_and_tokens(v, "lorid@2") == [(True, 50), (True, 25)]
    assert right_and_tokens(v, "cg-alone@2") == [(True, 20), (False, 10)]
    assert right_and_tokens(v, "cg-must-agree@2") == [(True, 30), (True, 55)]
    # CG gave nothing, IR and DR differ; then CG and IR agree: DR's second draw is not needed
    assert right_and_tokens(v, "any-two@2") == [(True, 55), (True, 35)]
    assert right_and_tokens(v, "cg-sampled") == [(False, 10), (False, 10)]
    assert "maj-cg@K" in v.scored.left_out  # four programs cost what the loop does, two are stored


@pytest.mark.parametrize("rule", ["cg_alone", "cg_repeat", "cg_must_agree", "any_two", "cg_votes"])
def test_as_the_loop_s_rule_it_is_the_same_system(rule: str) -> None:
    v = view(FULL, rule=rule)
    assert right_and_tokens(v, "lorid@2") == right_and_tokens(v, f"{rule.replace('_', '-')}@2")


def test_what_a_lazy_rule_left_out_is_not_missed_and_what_was_drawn_ahead_changes_nothing() -> None:
    gaps: list[Sides] = [
        {"cg": [None, "7"], "ir": [], "dr": []},
        {"cg": ["9", "6"], "ir": ["6", "6"], "dr": ["6"]},
    ]
    of = draws_of(gaps)
    first = records()[0].problem_id
    of[first].append(draw(first, "ir", 2, "7"))  # round 1 of IR was never drawn
    replay = Replay(rounds=2, rule="cg_must_agree")
    lazy = view_of("v", records(), lambda p: of[p], replay=replay, voted=())
    assert right_and_tokens(lazy, "lorid@2") == [(True, 30), (True, 55)]
    ahead = {p: [*found, draw(p, "cg", 3, "5")] for p, found in of.items()}
    other = view_of("v", records(), lambda p: ahead[p], replay=replay, voted=())
    assert other.metrics == lazy.metrics


def test_shares_of_programs_and_agreements() -> None:
    v = view(FULL)
    found = {(m.system, m.metric, m.slice): m.value for m in of_programs(v.graded)}
    assert found["cg-draws", "runs", None] == 3 / 4
    assert found["cg-draws", "failed", "status=error"] == 1 / 4
    assert found["cg-draws", "accuracy", None] == 2 / 3
    assert found["cg-draws", "accuracy", "grounded=no"] is None
    assert found["ir+dr", "coverage", None] == 3 / 4
    assert found["ir+dr", "precision", None] == 1.0
    assert found["ir+cg", "coverage", None] == 2 / 4
    silent = view([{"ir": [None], "dr": [None], "cg": [None]}, FULL[1]])
    found = {(m.system, m.metric): m.value for m in of_programs(silent.graded) if m.slice is None}
    assert found["ir+cg", "coverage"] == 1 / 3  # two who say nothing do not agree
    text = render_markdown([v])
    assert "run and give an answer" in text
    assert "stopped when two of IR, DR and CG agree in a round" in render_html([v])


def test_without_programs_nothing_of_this_is_said() -> None:
    v = view([{k: s for k, s in of.items() if k != "cg"} for of in FULL])
    assert of_programs(v.graded) == []
    assert not [s for s in v.scored.outcomes if s.startswith(("cg-", "any-two"))]
    assert "Programs that" not in render_markdown([v])


def test_a_program_is_run_in_the_sandbox_once_and_never_here(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    with opened(tmp_path / "store.sqlite") as executor:
        run = runner(executor)
        good = run("a = 3 + 4\nanswer = a", QUESTIONS[0])
        assert (good.status, good.answer, good.is_grounded) == ("ok", "7", True)
        fenced = "Let me think.\n```python\nanswer = 1\n```\nNo:\n```\nanswer = 3 + 4\n```\nDone."
        assert run(fenced, QUESTIONS[0]).answer == "7"
        assert run("```python\nanswer = 7", QUESTIONS[0]).status == "unparsable"  # cut short
        assert not run("answer = 99", QUESTIONS[0]).is_grounded
        hostile = run(f"open({str(marker)!r}, 'w').write('x')\nanswer = 1", QUESTIONS[0])
        assert (hostile.status, hostile.answer) == ("error", None)
        assert not marker.exists()
    with opened(tmp_path / "store.sqlite") as executor:
        runner(executor)("a = 3 + 4\nanswer = a", QUESTIONS[0])
        assert executor.n_run == 0  # type: ignore[attr-defined]


def test_an_evaluation_keeps_results_and_times_out_of_sight(tmp_path: Path) -> None:
    with evaluated.running(tmp_path, evaluated.of(["cg"])) as run:
        assert run is not None
        run("answer = 3 + 4", QUESTIONS[0])
    times = evaluated.times(tmp_path)
    assert times is not None
    assert times.n == 1
    assert times.median_ms > 0
    assert all(p.name.startswith(".") for p in tmp_path.iterdir())
    with evaluated.running(tmp_path, evaluated.of(["ir", "kg", "dr"])) as none:
        assert none is None
