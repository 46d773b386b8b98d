"""The judge: what it is asked, how its replies are read, and how its errors correct its rates."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lorid_data.audit.judging import LEAST_PLANTED, flags_of, items_of, judge_rates
from lorid_data.audit.rubric import CRITERIA, Item, read_verdict, request_of
from lorid_data.errors import ConfigError
from lorid_data.schema import Provenance, Record, TeacherReply, problem_id
from lorid_data.teachers.base import make_reply


class Model:
    kind, model = "scripted", "m"


def row(n: int) -> Record:
    question = (
        f"Carla has {n + 30} apples and Bob gives her {n + 5} more of them. How many has she?"
    )
    return Record(
        row_id=f"r{n}", problem_id=problem_id(question), original_id=f"o{n}", source="s", split="train", question=question,
        rationale=f"{n + 30} + {n + 5} = {2 * n + 35}", answer=str(2 * n + 35), provenance=Provenance(teacher="x"),
        knowledge=("To find a total, add its parts.", f"Sum {'equal ' * (n % 3)}shares.", "Subtract what is lost."),
    )  # fmt: skip


ROWS = [row(n) for n in range(40)]
RULE = {"correct": 1, "counterexample": "", "instance": "none", "actionable": 2}
LIST = {"uncovered": [], "answers_this_question": 1, "used_by_solution": 1}


def reply(body: object, **more: Any) -> TeacherReply:
    request = request_of(Item(ROWS[0], 0, "subject"), Model(), 0)  # type: ignore[arg-type]
    return make_reply(request, body if isinstance(body, str) else json.dumps(body), **more)


@pytest.mark.parametrize(
    ("changes", "defects"),
    [
        ({}, {}),
        ({"correct": 0, "counterexample": "48"}, {"judge_wrong_rule": "48"}),
        ({"instance": "topic", "actionable": 1}, {}),
        ({"instance": "instance"}, {"judge_instance": "instance information"}),
        ({"actionable": 0}, {"judge_not_actionable": "not actionable"}),
        ({"correct": True}, None),
        ({"correct": 2}, None),
        ({"instance": "much"}, None),
        ({"counterexample": None}, None),
    ],
)
def test_verdicts_on_rules(changes: dict[str, Any], defects: dict[str, str] | None) -> None:
    assert read_verdict("rule", reply({**RULE, **changes})) == defects


def test_verdicts_on_lists() -> None:
    bad = {"uncovered": ["adding", "halving"], "answers_this_question": 0, "used_by_solution": 0}
    assert read_verdict("list", reply(LIST)) == {}
    assert read_verdict("list", reply(bad)) == {
        "judge_uncovered_step": "adding; halving",
        "judge_other_question": "another question",
        "judge_unused": "another way",
    }
    assert read_verdict("list", reply("```json\n" + json.dumps(LIST) + "\n```")) == {}
    for text in ("no", "[1]", '{"uncovered": [1]}', "{" * 9000):
        assert read_verdict("list", reply(text)) is None
    assert read_verdict("list", reply(LIST, finish_reason="length")) is None


def test_items_hold_subjects_planted_defects_and_controls() -> None:
    items = items_of(ROWS, 0.1, seed=3)
    assert items == items_of(ROWS, 0.1, seed=3)
    subjects = [i for i in items if i.role == "subject"]
    assert len(subjects) == 40 * 3 + 40
    for criterion in CRITERIA:
        planted = [i for i in items if i.plant in criterion.plants]
        assert len(planted) >= LEAST_PLANTED
        assert {i.kind for i in planted} == {criterion.kind}
        assert all(
            i.row.knowledge not in {r.knowledge for r in ROWS if r.row_id == i.row.row_id}
            for i in planted
        )
    for kind in ("rule", "list"):
        assert sum(i.role == "control" and i.kind == kind for i in items) == LEAST_PLANTED


def test_requests_do_not_say_what_was_planted() -> None:
    items = items_of(ROWS, 0.1, seed=0)
    for item in items:
        request = request_of(item, Model(), 0)  # type: ignore[arg-type]
        text = " ".join(m.content for m in request.messages)
        assert "planted" not in text
        assert "control" not in text
        if item.rule_index is not None:
            assert text.rstrip().endswith(item.row.knowledge[item.rule_index].rstrip())
    one = [request_of(items[0], Model(), n).key for n in (0, 5)]  # type: ignore[arg-type]
    assert one[0] == one[1]


def perfect(item: Item) -> dict[str, str]:
    names = [c.name for c in CRITERIA if item.plant in c.plants]
    return dict.fromkeys(names, "seen")


def verdicts_of(items: list[Item], say: Callable[[Item], dict[str, str] | None]) -> dict[int, Any]:
    return {n: say(item) for n, item in enumerate(items)}


def test_a_judge_that_sees_everything_is_not_corrected_away() -> None:
    items = items_of(ROWS, 0.1, seed=1)
    rates = judge_rates(items, verdicts_of(items, perfect))
    for rate in rates:
        assert (rate.n_flagged, rate.fraction) == (0, 0.0)
        assert rate.n_planted == rate.n_planted_found > 0
        assert rate.n_controls == rate.n_controls_passed > 0
        assert rate.corrected == 0.0
        assert rate.corrected_high is not None
        assert rate.corrected_high < 0.2


def test_a_judge_that_cries_wolf_is_corrected_and_one_by_chance_is_not_trusted() -> None:
    items = items_of(ROWS, 1.0, seed=1)
    n = 0

    def wolf(item: Item) -> dict[str, str]:
        nonlocal n
        n += 1
        false = item.role != "planted" and n % 10 == 0
        return {"judge_wrong_rule": "?"} if false and item.kind == "rule" else perfect(item)

    [wrong] = [
        r for r in judge_rates(items, verdicts_of(items, wolf)) if r.criterion == "judge_wrong_rule"
    ]
    assert 0.05 < wrong.fraction < 0.16
    assert wrong.corrected is not None
    assert wrong.corrected < wrong.fraction
    blind = judge_rates(items, verdicts_of(items, lambda _: {}))
    assert all(r.corrected is None for r in blind)


def test_flags_are_of_subjects_only_and_missing_judgements_do_not_count() -> None:
    items = items_of(ROWS[:4], 0.1, seed=0)

    def say(item: Item) -> dict[str, str] | None:
        if item.row.row_id == "r1":
            return None
        return {"judge_unused": "x"} if item.kind == "list" else {"judge_wrong_rule": "y"}

    verdicts = verdicts_of(items, say)
    flags = flags_of(items, verdicts)
    assert set(flags) == {"r0", "r2", "r3"}
    assert {(f.check, f.rule_index) for f in flags["r0"]} == {
        ("judge_wrong_rule", 0), ("judge_wrong_rule", 1), ("judge_wrong_rule", 2), ("judge_unused", None),
    }  # fmt: skip
    rates = {r.criterion: r for r in judge_rates(items, verdicts)}
    assert (rates["judge_wrong_rule"].n, rates["judge_unused"].n) == (9, 3)


@pytest.mark.parametrize("teacher", ["recorded", "source", "none"])
def test_who_writes_no_judgements_is_refused(teacher: str) -> None:
    from lorid_data.audit.judge import JudgeOptions, open_judge

    with pytest.raises(ConfigError, match="cannot judge"):
        open_judge(JudgeOptions(teacher=teacher))
