"""What a judge is asked of a rule and of a list, and how its replies are read.

Rule: R1 right as a general statement, R2 information of the instance, R3 actionable. List: R4 steps
that no rule covers, R5 belongs to this question, R6 used by the solution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lorid_data import prompts
from lorid_data.schema import Record, TeacherReply
from lorid_data.teachers.base import Teacher, TeacherRequest, asking
from lorid_data.texts import strict_json

SYSTEM, RULE, LIST = "judge/system.v1", "judge/rule.v1", "judge/list.v1"
Kind = Literal["rule", "list"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question of the rubric.

    Attributes:
        name: what a flag of it is called.
        kind: whether a rule or a list is judged.
        sentence: what a defect means, for people.
        plants: planted defects that it should see.
    """

    name: str
    kind: Kind
    sentence: str
    plants: tuple[str, ...]


CRITERIA: tuple[Criterion, ...] = (
    Criterion("judge_wrong_rule", "rule", "The rule is wrong as a general statement.", ("wrong_rule",)),
    Criterion("judge_instance", "rule", "The rule holds names, numbers or results of its question.", ("intermediate_leak", "question_number", "answer_leak")),
    Criterion("judge_not_actionable", "rule", "Nobody can tell from the rule what to do.", ("generic_rule",)),
    Criterion("judge_uncovered_step", "list", "A step of the solution is covered by no rule.", ("dropped_rules",)),
    Criterion("judge_other_question", "list", "The list belongs to another question.", ("swapped_list",)),
    Criterion("judge_unused", "list", "The solution works in another way than the rules.", ("swapped_list",)),
)  # fmt: skip

_TEXT, _BIT = {"type": "string"}, {"type": "integer", "enum": [0, 1]}
_SCHEMAS: Mapping[Kind, dict[str, Any]] = {
    "rule": {
        "correct": _BIT,
        "counterexample": _TEXT,
        "instance": {"type": "string", "enum": ["none", "topic", "instance"]},
        "actionable": {"type": "integer", "enum": [0, 1, 2]},
    },
    "list": {
        "uncovered": {"type": "array", "items": _TEXT},
        "answers_this_question": _BIT,
        "used_by_solution": _BIT,
    },
}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to judge.

    Attributes:
        row: the row as it is judged, with its defect where one was planted.
        rule_index: which rule; None judges the list.
        role: of the folder (`subject`), with a planted defect, or known to be good (`control`).
        plant: the kind of defect that was planted.
    """

    row: Record
    rule_index: int | None
    role: Literal["subject", "planted", "control"]
    plant: str = ""

    @property
    def kind(self) -> Kind:
        """What is judged."""
        return "list" if self.rule_index is None else "rule"


def prompt_hashes() -> dict[str, str]:
    """sha256 of each prompt of the judge, by id."""
    return {name: prompts.load(name).sha256 for name in (SYSTEM, RULE, LIST)}


def request_of(item: Item, teacher: Teacher, position: int) -> TeacherRequest:
    """The request for a judgement of one item."""
    prompt = prompts.load(RULE if item.kind == "rule" else LIST)
    row = item.row
    if item.rule_index is None:
        rules = "\n".join(f"{i}. {rule}" for i, rule in enumerate(row.knowledge, 1))
        text = prompt.fill(question=row.question, rationale=row.rationale, rules=rules)
    else:
        rule = row.knowledge[item.rule_index]
        text = prompt.fill(question=row.question, rationale=row.rationale, rule=rule)
    fields = _SCHEMAS[item.kind]
    return asking(
        row.problem_id, text, teacher=teacher, prompt=prompt, system=prompts.load(SYSTEM).text.strip(),
        position=position,
        output_schema={
            "type": "object",
            "properties": fields,
            "required": list(fields),
            "additionalProperties": False,
        },
    )  # fmt: skip


def read_verdict(kind: Kind, reply: TeacherReply) -> dict[str, str] | None:
    """The criteria that a reply finds defective, each with the judge's words; None where it is no judgement.

    A reply may stand in one Markdown code fence. Values outside the schema make it no judgement.
    """
    if reply.finish_reason in ("refusal", "length"):
        return None
    text = reply.text.strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        text = text.split("\n", 1)[1].removesuffix("```")
    try:
        body = strict_json.parse(text)
    except ValueError:
        return None
    if not isinstance(body, dict) or not _valid(kind, body):
        return None
    if kind == "rule":
        said = {
            "judge_wrong_rule": body["correct"] == 0 and (str(body["counterexample"]) or "wrong"),
            "judge_instance": body["instance"] == "instance" and "instance information",
            "judge_not_actionable": body["actionable"] == 0 and "not actionable",
        }
    else:
        said = {
            "judge_uncovered_step": "; ".join(body["uncovered"]),
            "judge_other_question": body["answers_this_question"] == 0 and "another question",
            "judge_unused": body["used_by_solution"] == 0 and "another way",
        }
    return {name: str(words)[:300] for name, words in said.items() if words}


def _valid(kind: Kind, body: Mapping[str, Any]) -> bool:
    for name, schema in _SCHEMAS[kind].items():
        value = body.get(name)
        if schema["type"] == "array":
            if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
                return False
        elif schema["type"] == "integer":
            if isinstance(value, bool) or value not in schema["enum"]:
                return False
        elif not isinstance(value, str) or value not in schema.get("enum", [value]):
            return False
    return True
