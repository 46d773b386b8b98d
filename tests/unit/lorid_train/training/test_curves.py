"""`training.html`: what was logged, drawn; whatever was logged, a page."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from lorid_data.commandline.progress import Progress
from lorid_train.training import curves

LOG = [
    {"step": 10, "loss": 2.0, "learning_rate": 1e-3, "grad_norm": 1.0},
    {"step": 10, "eval_loss": 1.9, "eval_accuracy": 0.25, "eval_runtime": 3.0},
    {"step": 20, "loss": 1.0, "learning_rate": 5e-4},
    {"step": 20, "train_runtime": 1.0},
]


def test_what_a_log_holds_by_step_and_nothing_of_time() -> None:
    assert curves.history(LOG) == {
        "train_loss": [
            {"step": 10, "loss": 2.0, "learning_rate": 1e-3}, {"step": 20, "loss": 1.0, "learning_rate": 5e-4},
        ],
        "validation": [{"step": 10, "eval_loss": 1.9, "eval_accuracy": 0.25}],
    }  # fmt: skip
    assert curves.history([]) == {"train_loss": []}


def test_the_page_has_loss_validation_rate_and_speed_of_every_role(tmp_path: Path) -> None:
    (tmp_path / curves.SPEED).write_text(
        '{"role": "ir", "step": 20, "tokens_per_s": 1234.5}\n{"role": "ir", "st'
    )
    curves.write(tmp_path, {"ir": curves.history(LOG), "kg": curves.history(LOG[:1])})
    page = (tmp_path / curves.PAGE).read_text(encoding="utf-8")
    for part in ("ir, training", "ir, validation", "kg, training", "Learning rate", "Tokens per second", "Greedy answers"):  # fmt: skip
        assert part in page, part
    assert page.count("<svg") == 4
    assert "http://www.w3.org" in page or "https://" not in page
    assert curves.speeds(tmp_path) == {"ir": [(20, 1234.5)]}, "a line that was cut off is left out"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e39, 0.0])
def test_a_training_that_went_wrong_still_has_a_page(bad: float, tmp_path: Path) -> None:
    log = [{"step": 1, "loss": bad, "learning_rate": bad}]
    curves.write(tmp_path, {"ir": curves.history(log)})
    assert "Loss" in (tmp_path / curves.PAGE).read_text(encoding="utf-8")


def test_a_short_run_says_that_nothing_was_logged(tmp_path: Path) -> None:
    curves.write(tmp_path, {"ir": {"train_loss": []}})
    assert "fewer steps than logging_steps" in (tmp_path / curves.PAGE).read_text(encoding="utf-8")


def test_a_role_that_ended_without_a_loss_promises_none(tmp_path: Path) -> None:
    """Shorter than logging_steps: there is no loss to come."""
    progress = Progress("train ir", 8, stream=io.StringIO(), clock=lambda: 0.0)
    progress.note = curves.Watch(tmp_path, "ir", 50.0, {}).note
    progress.advance(7)
    assert progress.line().endswith(", no loss yet")
    progress.advance()
    assert progress.line().startswith("train ir: 8/8 (100%), ")
    assert progress.line().endswith("/s")


def test_progress_shows_the_loss_and_speed_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([100.0, 102.0])
    monkeypatch.setattr(curves.time, "monotonic", lambda: next(now))
    watch = curves.Watch(tmp_path, "ir", 50.0, {})
    assert watch.note(0, 8) == "no loss yet"
    watch.logged(10, LOG[:1])
    watch.logged(20, LOG)
    assert watch.note(20, 0) == "loss 1.0000"
    assert curves.speeds(tmp_path) == {"ir": [(20, 250.0)]}


def test_a_role_in_one_line() -> None:
    figures = {"n_rows": 1, "n_steps": 20, **curves.history(LOG)}
    assert (
        curves.role_line("ir", figures)
        == "ir: 1 row, 20 steps, loss from 2.0000 to 1.0000, validation loss 1.9000"
    )


def test_a_role_that_is_measured_by_answers_alone_has_a_page_and_a_line(tmp_path: Path) -> None:
    made = {
        "n_rows": 3, "n_steps": 20, "train_loss": [{"step": 10, "loss": 2.0}, {"step": 20, "loss": 1.0}],
        "validation": [{"step": 10, "eval_accuracy": 0.25}, {"step": 20, "eval_accuracy": 0.5}],
    }  # fmt: skip
    line = curves.role_line("ir", made)
    assert line == "ir: 3 rows, 20 steps, loss from 2.0000 to 1.0000, validation accuracy 50.0%"
    curves.write(tmp_path, {"ir": made})
    page = (tmp_path / curves.PAGE).read_text(encoding="utf-8")
    assert "Greedy answers that are right" in page
    assert "ir, validation" not in page
