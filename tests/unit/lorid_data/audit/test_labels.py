"""The shipped labels and what is measured on them, on planted defects and on the official samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lorid_data.audit.calibration import calibration, labels
from lorid_data.audit.checks import BY_NAME, VERSION, examine
from lorid_data.audit.plant import PLANTS, plant, plant_each
from lorid_data.build.importing import import_table
from lorid_data.folders.records import read_records
from lorid_data.schema import Provenance, Record, problem_id

RECORDED = Path(__file__).parents[4] / "lorid_data" / "teachers" / "recordings"


def test_labels_are_of_rules_that_the_package_ships() -> None:
    shipped = {}
    for name in ("gsm8k", "math"):
        for line in (RECORDED / f"{name}-train.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            shipped[row["id"]] = row["knowledge"]
    for label in labels():
        assert shipped[label.problem_id][label.rule_index] == label.rule
    drawn = [label for label in labels() if label.drawn == "random"]
    assert len(drawn) == len({label.problem_id for label in drawn}) >= 100


def test_the_calibration_is_of_these_checks_and_labels() -> None:
    body = calibration()
    assert body["checks"] == VERSION
    assert set(body["false_alarms"]) == set(BY_NAME)
    n_drawn = sum(label.drawn == "random" for label in labels())
    assert {a["n"] for a in body["false_alarms"].values()} == {n_drawn}


def row(**changes: object) -> Record:
    question = "Carla has 37 apples, and Bob gives her 15 more of them today. How many apples has Carla now?"
    fields = {
        "row_id": "r", "problem_id": problem_id(question), "original_id": problem_id(question), "source": "s", "split": "train",
        "question": question, "rationale": "Carla counts: 37 + 15 = 52 apples.\nShe keeps all of them in one big basket of hers.\n52 - 9 = 43 are good.",
        "answer": "43", "knowledge": ("To find a total, add its parts.", "Subtract what is bad to keep the good ones.", "A difference is never larger than its minuend.", "Count each kind once."),
        "provenance": Provenance(teacher="source"),
    }  # fmt: skip
    return Record.model_validate({**fields, **changes})


@pytest.mark.parametrize("kind", [k for k in PLANTS if k in BY_NAME])
def test_each_planted_defect_is_found_where_it_was_planted(kind: str) -> None:
    assert "r" not in examine([row()])
    for seed in range(6):
        [planted] = plant_each(kind, [row()], seed)
        assert planted.row.knowledge != row().knowledge
        found = examine([planted.row])["r"]
        assert any(f.check == kind and f.rule_index == planted.rule_index for f in found)


def test_a_wrong_rule_has_its_operation_turned_round() -> None:
    import random

    one = row(knowledge=("Add both sides.",))
    planted = plant("wrong_rule", one, random.Random(0))
    assert planted is not None
    assert planted.row.knowledge == ("Subtract both sides.",)
    assert plant("wrong_rule", row(knowledge=("Look at it.",)), random.Random(0)) is None
    assert plant_each("wrong_rule", [row()], 3) == plant_each("wrong_rule", [row()], 3)


def test_the_defects_of_the_official_samples_are_found(real_data: Path, tmp_path: Path) -> None:
    found: dict[str, dict[str, set[str]]] = {}
    records = {}
    for name in ("gsm8k", "math"):
        table = real_data / "LoRID-Math" / f"{name}-sample" / "train.jsonl"
        import_table(table, tmp_path / name)
        records[name] = read_records(tmp_path / name)
        found[name] = {c: set() for c in BY_NAME}
        for row_id, flags in examine(records[name]).items():
            for flag in flags:
                found[name][flag.check].add(row_id)
    math = found["math"]
    assert len(math["backward_question"]) == 31
    assert math["answer_conflict"] == math["backward_question"]  # the join alone finds the same
    contentless = {r.knowledge for r in records["math"] if r.row_id in math["generic_list"]}
    assert (len(contentless), len(math["generic_list"])) == (2, 55)
    assert (len(math["unreached_answer"]), len(math["row_format"]), len(math["glued_sentence"])) == (11, 15, 14)  # fmt: skip
    leaks = ("answer_leak", "intermediate_leak", "question_number", "name_leak", "copied_question")
    for check in (*leaks, "duplicate_rule", "rule_format"):
        assert not found["gsm8k"][check]
        assert not math[check]
    assert len(found["gsm8k"]["annotation_left"]) == 4
