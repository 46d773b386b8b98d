"""What training looked like: losses, learning rate and speed of each role, as `training.html`.

Losses and rates come from TRL's log and are the same however often a run was interrupted; how fast
it went is measured beside them, in a file of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lorid_data.folders.files import write_text
from lorid_data.pages.lines import Series, line_chart
from lorid_data.pages.page import page, paragraph, section
from lorid_data.pages.table import table, table_html
from lorid_data.texts import strict_json
from lorid_data.texts.counting import count

PAGE, SPEED = "training.html", "speed.jsonl"
"""Files of a run folder: the page, and what it says of speed."""
_EVERY_S = 5.0
_DRAWN = 1e6
"""Losses and rates beyond this are left out of the plots: training has gone wrong, and says so."""


def history(log: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Losses, learning rates and validation figures of a trainer's log, by step."""
    trained = [
        {"step": h["step"], "loss": h["loss"]}
        | ({"learning_rate": h["learning_rate"]} if "learning_rate" in h else {})
        for h in log
        if "loss" in h
    ]
    names = ("eval_loss", "eval_accuracy")
    measured = [
        {"step": h["step"], **{k: h[k] for k in names if k in h}} for h in log if "eval_loss" in h
    ]
    return {"train_loss": trained} | ({"validation": measured} if measured else {})


def role_line(name: str, figures: Mapping[str, Any]) -> str:
    """One role of a finished run, for the terminal."""
    losses = figures["train_loss"]  # logged every logging_steps: a short run has none
    first = f" from {losses[0]['loss']:.4f}" if len(losses) > 1 else ""
    last = f", loss{first} to {losses[-1]['loss']:.4f}" if losses else ""
    held = (figures.get("validation") or [{}])[-1]
    best = f", validation loss {held['eval_loss']:.4f}" if "eval_loss" in held else ""
    if not best and "eval_accuracy" in held:  # pairs are measured by answers alone
        best = f", validation accuracy {held['eval_accuracy']:.1%}"
    return f"{name}: {count(figures['n_rows'], 'row')}, {count(figures['n_steps'], 'step')}{last}{best}"


class Watch:
    """Notes how fast a role goes, and keeps the page up to date while it does.

    Args:
        folder: the run folder.
        role: the role that is being trained.
        tokens_per_step: mean tokens of a step, prompts included.
        done: figures of the roles before it.
    """

    def __init__(
        self, folder: Path, role: str, tokens_per_step: float, done: Mapping[str, Any]
    ) -> None:
        self.role = role
        self._folder, self._done = folder, dict(done)
        self._tokens = tokens_per_step
        self._at: tuple[int, float] | None = None
        self._written = -_EVERY_S
        self.loss: float | None = None
        """The last that was logged."""

    def logged(self, step: int, log: Sequence[Mapping[str, Any]]) -> None:
        """Take what the trainer has logged up to a step."""
        now = time.monotonic()
        made = history(log)
        if made["train_loss"]:
            self.loss = made["train_loss"][-1]["loss"]
        if self._at is not None and step > self._at[0] and now > self._at[1]:
            rate = (step - self._at[0]) * self._tokens / (now - self._at[1])
            body = {"role": self.role, "step": step, "tokens_per_s": round(rate, 1)}
            with (self._folder / SPEED).open("a", encoding="utf-8") as file:
                file.write(json.dumps(body) + "\n")
        self._at = step, now
        if now - self._written >= _EVERY_S:
            self._written = now
            write(self._folder, {**self._done, self.role: made})

    def note(self, _: int, n_left: int) -> str:
        """The loss, for the line of progress; nothing where a role ended before a first was logged."""
        if self.loss is None:
            return "no loss yet" if n_left else ""
        return f"loss {self.loss:.4f}"


def speeds(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Tokens per second by role and step; a line that was cut off is left out."""
    path, found = folder / SPEED, dict[str, list[tuple[int, float]]]()
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for line in lines:
        try:
            body = strict_json.parse(line)
        except ValueError:
            continue
        found.setdefault(body["role"], []).append((body["step"], body["tokens_per_s"]))
    return {role: sorted(dict(at).items()) for role, at in found.items()}


def write(folder: Path, by_role: Mapping[str, Mapping[str, Any]]) -> None:
    """Write `training.html` into a run folder."""
    made = charts(by_role, speeds(folder))
    body = [section(name, title, *parts) for name, title, parts in made]
    write_text(
        folder / PAGE,
        page(
            "Training", body or [section("none", "Nothing logged", paragraph(_NOTHING))],
            subtitle=f"{folder.name} · {', '.join(by_role)}",
            nav=[(name, title) for name, title, _ in made],
        ),
    )  # fmt: skip


_NOTHING = "No loss was logged: the run has fewer steps than logging_steps; `sft: {logging_steps: 1}` logs each."


def charts(
    by_role: Mapping[str, Mapping[str, Any]],
    fast: Mapping[str, Sequence[tuple[int, float]]] | None = None,
) -> list[tuple[str, str, list[str]]]:
    """What there is to show: name, title and HTML of each section."""
    roles = [r for r, f in by_role.items() if f.get("train_loss")]
    if not roles:
        return []
    losses = [
        line(f"{r}, training", by_role[r]["train_loss"], "loss", i) for i, r in enumerate(roles)
    ]
    held = [
        line(f"{r}, validation", by_role[r]["validation"], "eval_loss", i + len(roles))
        for i, r in enumerate(roles)
        if any("eval_loss" in h for h in by_role[r].get("validation") or ())
    ]
    found = [("loss", "Loss", [plot("Loss by step", [*losses, *held], "loss", 3), _table(by_role, roles)])]  # fmt: skip
    right = [
        line(r, by_role[r]["validation"], "eval_accuracy", i)
        for i, r in enumerate(roles)
        if any("eval_accuracy" in h for h in by_role[r].get("validation", ()))
    ]
    if right:
        found.append(("answers", "Greedy answers that are right", [plot("Share of right greedy answers by step", right, "share", 2)]))  # fmt: skip
    rates = [line(r, by_role[r]["train_loss"], "learning_rate", i) for i, r in enumerate(roles)]
    if any(s.points for s in rates):
        found.append(("rate", "Learning rate", [plot("Learning rate by step", rates, "learning rate", None)]))  # fmt: skip
    speed = [
        Series(r, tuple((float(s), v) for s, v in at), series=i)
        for i, (r, at) in enumerate((fast or {}).items())
        if at
    ]
    if speed:
        note = "Mean tokens of a step, over the time between two entries of the log; what a machine did besides shows here."
        found.append(("speed", "Tokens per second", [plot("Tokens per second by step", speed, "tokens/s", 0), paragraph(note, "note")]))  # fmt: skip
    return found


def line(name: str, entries: Sequence[Mapping[str, Any]], key: str, colour: int) -> Series:
    """One key of the entries of a log, by step."""
    at = ((float(h["step"]), float(h[key])) for h in entries if key in h)
    points = tuple(
        (x, y) for x, y in at if abs(y) < _DRAWN
    )  # no NaN, and nothing that hides the rest
    return Series(name, points, series=colour % 6)


def plot(name: str, lines: Sequence[Series], y_label: str, digits: int | None) -> str:
    """A chart of lines by step; `digits` after the point, None for very small numbers."""

    def shown(value: float) -> str:
        return f"{value:.1e}" if digits is None else f"{value:,.{digits}f}"

    drawn = [s for s in lines if s.points]
    if not drawn:
        return paragraph("Nothing that could be drawn was logged.", "note")
    return f'<div class="wide">{line_chart(name, drawn, x_label="step", y_label=y_label, show_y=shown)}</div>'


def _table(by_role: Mapping[str, Mapping[str, Any]], roles: Sequence[str]) -> str:
    rows = []
    for r in roles:
        losses, held = by_role[r]["train_loss"], by_role[r].get("validation") or []
        best = min((h["eval_loss"] for h in held if "eval_loss" in h), default=None)
        rows.append(
            [
                r, f"{losses[-1]['step']:,}", f"{losses[0]['loss']:.4f}", f"{losses[-1]['loss']:.4f}",
                "–" if best is None else f"{best:.4f}",
            ]
        )  # fmt: skip
    return table_html(
        table(["Role", "Last step", "First loss", "Last loss", "Best validation loss"], rows)
    )
