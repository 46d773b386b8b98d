"""Parsers of foreign text cost twice as much for twice the text, and files of others have a limit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lorid_data.audit import checks as audit_checks
from lorid_data.cards.escape import md
from lorid_data.checks import catalogue
from lorid_data.commandline.options import read_yaml
from lorid_data.contamination.overlap import words
from lorid_data.errors import ConfigError
from lorid_data.folders.stage import open_stage
from lorid_data.pages.text import esc
from lorid_data.schema import Provenance, Record, RejectReason, make_problem
from lorid_data.teachers.base import MOST_RULES, NoRules, parse_reply
from lorid_data.texts import safe_yaml
from lorid_data.texts.latex import without_drawings
from lorid_data.texts.secrets import without_secrets

UNITS = [
    "[asy]", "[/asy]", r"\[", r"\(", r"\]", "$", "$x", "<<", "<<1", "((", "{", r"\begin{a}", " ", "\n", "1,", "a.B", "1/", r"\frac{", "x^", "-", "#",
    "**", "The answer is ", r"\boxed{", "9 ", "Rule 1: ", ". 2) ", r"\text{", "&", "\t", "if ", "http://a@", "sk-", "`", "[a](", "|", "_", "A b ", "e\u0301",
]  # fmt: skip
N_CHARS, LEAST_S, MOST = 12_000, 0.02, 2.5


def record(**fields: Any) -> Record:
    body = {"source": "t", "split": "train", "question": "Tom has 3 pens?", "rationale": "3 + 4 = 7", "answer": "7"}  # fmt: skip
    knowledge = fields.pop("knowledge", ["Add."])
    problem = make_problem(**{**body, **fields}, knowledge=knowledge)
    return Record(row_id="r", provenance=Provenance(teacher="source"), **problem.model_dump())


def _rows(text: str) -> list[Record]:
    return [record(question=text), record(rationale=text), record(knowledge=[text])]


def _checked(text: str) -> None:
    for row in _rows(text):
        for check in catalogue.CHECKS:
            check(row)


def _audited(text: str) -> None:
    for row in _rows(text):
        audit_checks.found_in(row)


def _many_rules(text: str) -> None:
    audit_checks.found_in(record(knowledge=[f"{text[:20]} {i}" for i in range(len(text) // 20)]))


PARSERS: dict[str, Callable[[str], object]] = {
    "validate": _checked,
    "audit": _audited,
    "many rules": _many_rules,
    "card": lambda t: md(t, 10**9),
    "page": lambda t: esc(t, 10**9),
    "reply": lambda t: parse_reply("```json\n" + json.dumps({"output": [t]}) + "```"),
    "secrets": without_secrets,
    "decontaminate": words,
}


def cpu_s(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize("name", PARSERS)
def test_twice_the_text_costs_twice(name: str, every: int) -> None:
    slow = []
    step = {"audit": 7, "many rules": 19}.get(name, 4) if every > 1 else 1
    for unit in UNITS[::step]:
        text = unit * (N_CHARS // len(unit))
        once = cpu_s(lambda text=text: PARSERS[name](text))  # type: ignore[misc]
        twice = cpu_s(lambda text=text: PARSERS[name](text * 2))  # type: ignore[misc]
        if twice > LEAST_S and twice > MOST * once:
            # Once more, and longer: what is really quadratic is so then, too.
            again = cpu_s(lambda text=text: PARSERS[name](text * 4))  # type: ignore[misc]
            if again > MOST * twice:
                slow.append((unit, round(once, 4), round(twice, 4), round(again, 4)))
    assert slow == []


def test_drawings_go_from_the_first_opening_to_the_next_end() -> None:
    assert without_drawings("a[asy]b[asy]c[/asy]d[/ASY]e", "-") == "a-d[/ASY]e"
    assert without_drawings("a[ASY]b") == "a[ASY]b"
    assert without_drawings("") == ""


def test_a_reply_of_a_million_rules_is_no_knowledge() -> None:
    found = parse_reply(json.dumps({"output": ["x"] * (MOST_RULES + 1)}))
    assert isinstance(found, NoRules)
    assert found.reason is RejectReason.REPLY_WRONG_SHAPE
    assert isinstance(parse_reply(json.dumps({"output": ["x"] * MOST_RULES})), tuple)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(8)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [(BOMB, "100,000 values"), ("a: &a [*a]", "100,000 values"), ("[" * 1_000_000, "nested too deep"), ("- " * 500_000, "nested too deep"), ("x: '" + "y" * 2**20 + "'", "longer than"),
     ("{" * 3_000 + "}" * 3_000, "nested too deep"), ("a: !!python/object/apply:os.system [id]", "not valid YAML"), ("a: [", "not valid YAML")],
)  # fmt: skip
def test_a_yaml_bomb_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_yaml(path)
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match="not written by this project"), open_stage(folder, "x", identity={}):  # fmt: skip
        pass


def test_aliases_that_multiply_nothing_are_taken() -> None:
    assert safe_yaml.parse("a: &a {r: 8}\nb: *a\nc:\n  <<: *a\n") == {"a": {"r": 8}, "b": {"r": 8}, "c": {"r": 8}}  # fmt: skip
