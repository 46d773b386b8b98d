"""What a run looked like, as `training.html`: reward beside accuracy, and what became of the answers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lorid_data.folders.files import write_text
from lorid_data.pages.page import page, paragraph, section
from lorid_data.texts.counting import count
from lorid_train.reinforcement import stopping
from lorid_train.training.curves import PAGE, charts, history, line, plot

_EVERY_S = 5.0
_LOGGED = {
    "reward": "reward",
    "entropy": "entropy",
    "answers/distinct": "n_distinct",
    "answers/shared_wrong": "shared_wrong_fraction",
    "answers/none": "no_answer_fraction",
    "completions/mean_length": "mean_tokens",
    "completions/clipped_ratio": "cut_fraction",
    "frac_reward_zero_std": "no_signal_fraction",
    "grad_norm": "grad_norm",
    "kl": "kl",
}
"""TRL's names in its log, and ours in `training.json`."""


def answers(log: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the log says of rewards and answers, by step."""
    return [
        {"step": h["step"]} | {ours: h[theirs] for theirs, ours in _LOGGED.items() if h.get(theirs) is not None}
        for h in log
        if "reward" in h
    ]  # fmt: skip


def figures(log: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Losses, accuracy and answers of a trainer's log, by step."""
    found = {"train_loss": history(log)["train_loss"], "answers": answers(log)}
    held = [{"step": m.step, "eval_accuracy": m.accuracy} for m in stopping.measured(log)]
    return found | ({"validation": held} if held else {})


class Watch:
    """Keeps the page up to date while a run goes on; what `training.curves.Watch` is to `sft`."""

    def __init__(self, folder: Path, role: str) -> None:
        self._folder, self._role = folder, role
        self._last: dict[str, Any] = {}
        self._written = -_EVERY_S

    def logged(self, _step: int, log: Sequence[Mapping[str, Any]]) -> None:
        """Take what the trainer has logged."""
        made = figures(log)
        if made["answers"]:
            self._last = made["answers"][-1]
        now = time.monotonic()
        if now - self._written >= _EVERY_S:
            self._written = now
            write(self._folder, self._role, made)

    def note(self, *_: int) -> str:
        """The reward, for the line of progress."""
        return f"reward {self._last['reward']:.3f}" if self._last else "no reward yet"


_PLOTS = (
    ("lengths", "Tokens of an answer", "mean_tokens", "tokens", 0, ""),
    ("distinct", "Distinct answers of a question", "n_distinct", "answers", 1,
     "Fewer are expected as answers become right; one wrong one for all is the failure to look for."),
    ("shared", "Wrong answers that are shared", "shared_wrong_fraction", "share", 2,
     "Share of answers that are paid nothing and that another answer of the same question repeats. It rises where a role "
     "agrees with itself on what is wrong."),
    ("entropy", "Entropy of a token", "entropy", "nats", 2, ""),
)  # fmt: skip


def write(folder: Path, role: str, made: Mapping[str, Any]) -> None:
    """Write `training.html` into a run folder."""
    entries = made["answers"]
    found: list[tuple[str, str, list[str]]] = []
    if entries:
        found.append(("reward", "Reward and accuracy", _reward(role, made)))
        for name, title, key, unit, digits, note in _PLOTS:
            parts = [plot(f"{title} by step", [line(role, entries, key, 0)], unit, digits)]
            found.append((name, title, parts + ([paragraph(note, "note")] if note else [])))
    found += [c for c in charts({role: made}) if c[0] in ("loss", "rate")]
    body = [section(*f[:2], *f[2]) for f in found]
    write_text(
        folder / PAGE,
        page(
            "Reinforcement", body or [section("none", "Nothing logged", paragraph("No step was logged yet."))],
            subtitle=f"{folder.name} · {role}", nav=[(name, title) for name, title, _ in found],
        ),
    )  # fmt: skip


def _reward(role: str, made: Mapping[str, Any]) -> list[str]:
    lines = [line(f"{role}, mean reward of answers drawn", made["answers"], "reward", 0)]
    held = made.get("validation")
    if held:
        lines.append(line(f"{role}, greedy accuracy on validation", held, "eval_accuracy", 1))
    parts = [plot("Reward and accuracy by step", lines, "share", 2)]
    if not held:
        parts.append(paragraph("Trained blind: nobody looked at accuracy.", "note"))
    if made.get("stopped"):
        parts.append(paragraph(f"Stopped: {made['stopped']}.", "note"))
    return parts


def sentence(role: str, made: Mapping[str, Any]) -> str:
    """A finished run, for the terminal."""
    entries, held = made["answers"], made.get("validation") or []
    said = [f"{role}: {count(made['n_rows'], 'question')}, {count(made['n_steps'], 'step')}"]
    if entries:
        said.append(f"reward {entries[0]['reward']:.3f} to {entries[-1]['reward']:.3f}")
    if held:
        best = next(h["eval_accuracy"] for h in held if h["step"] == made["best_step"])
        said.append(
            f"validation {held[0]['eval_accuracy']:.1%} to {best:.1%} (kept: "
            f"{'the start' if made['best_step'] == 0 else 'step ' + str(made['best_step'])})"
        )
    if made.get("stopped"):
        said.append(f"stopped: {made['stopped']}")
    return ", ".join(said)
