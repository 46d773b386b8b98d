"""What is known of a gold answer, and metrics as a file."""

from __future__ import annotations

import json
import math
import runpy
from pathlib import Path

import pytest

from lorid_data.errors import InputError
from lorid_train.metrics.files import metrics_json, read_metrics
from lorid_train.metrics.grading import answer_type, gold_of
from lorid_train.metrics.summary import summarise
from lorid_train.metrics.systems import outcomes

made = runpy.run_path(str(Path(__file__).parents[3] / "support" / "graded_tables.py"))
two_problems = made["two_problems"]
simulated = runpy.run_path(str(Path(__file__).parents[3] / "support" / "simulated_evaluation.py"))


def test_slices_of_a_record() -> None:
    gold = gold_of(simulated["record"](1))
    assert gold.slices == {
        "subject": "travel",
        "level": "2",
        "steps": "3",
        "answer_type": "integer",
        "n_words": "22",
        "length": "21 to 40 words",
    }
    many = simulated["record"](0).model_copy(update={"rationale": "a\n" * 20, "level": None})
    assert gold_of(many).slices["steps"] == "8+"
    assert "level" not in gold_of(many).slices


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("12", "integer"), ("-1,200", "integer"), ("$3.50", "decimal"), ("3/4", "fraction"),
     (r"\frac{1}{2}", "fraction"), (r"2\sqrt{3}", "expression"), ("(1, 2)", "expression")],
)  # fmt: skip
def test_answer_types(answer: str, kind: str) -> None:
    assert answer_type(answer) == kind


def test_metrics_json_round_trips_and_has_no_nan(tmp_path: Path) -> None:
    both = two_problems()
    metrics = summarise(outcomes(both, rounds=3), both, n_resamples=50)
    path = tmp_path / "metrics.json"
    path.write_text(metrics_json(metrics), encoding="utf-8")
    body = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda c: pytest.fail(c))
    assert body["schema"] == 1
    assert set(body["metrics"][0]) == {
        "system",
        "metric",
        "value",
        "n",
        "ci_low",
        "ci_high",
        "method",
        "slice",
    }
    assert read_metrics(path) == metrics
    assert len(path.read_text(encoding="utf-8").splitlines()) == len(metrics) + 5
    with pytest.raises(ValueError, match="not JSON compliant"):
        metrics_json([metrics[0].model_copy(update={"value": math.nan})])
    assert not [m for m in metrics if m.value is not None and math.isnan(m.value)]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"schema": 2, "metrics": []}', '{"schema": 1, "metrics": [1]}', "[]"]
)
def test_bad_metrics_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"metrics\.json"):
        read_metrics(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_metrics(tmp_path / "none.json")
