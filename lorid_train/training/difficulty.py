"""Which rows a run trains on by how hard they are, and in which order they come.

How hard a row is says its column `difficulty`, which `lorid-data difficulty` writes: the pass rate of
the role that is named to judge. A row that this role was not asked has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_frame
from lorid_data.pass_rates import PassRate, judged, rate_of
from lorid_data.schema import Disposition, Record, Reject, RejectReason
from lorid_data.texts.counting import count
from lorid_train.config import Difficulty, TrainConfig
from lorid_train.roles import Role, stage_of
from lorid_train.training.tokens import RoleCounts

_REASONS = {
    "outside": RejectReason.DIFFICULTY_OUTSIDE,
    "unknown": RejectReason.DIFFICULTY_UNKNOWN,
}
COLUMN = "difficulty"


def problems(config: TrainConfig) -> list[str]:
    """What of `difficulty:` cannot be had with these data and these settings."""
    if config.difficulty is None:
        return []
    found = list(_order_problems(config))
    folders = {f: None for r in config.roles if (f := _folder(config, r)) is not None}
    return found + [p for f in folders for p in _column_problems(config.difficulty, f)]


def _folder(config: TrainConfig, role: str) -> Path | None:
    """The dataset of a role, where one is named and has been written."""
    if isinstance(config.data, dict) and role not in config.data:
        return None
    folder = config.data_for(role)
    return folder if (folder / RECORDS).is_file() else None


def _order_problems(config: TrainConfig) -> Iterator[str]:
    assert config.difficulty is not None
    order = config.difficulty.order
    if order == "shuffled":
        return
    for role in config.roles:
        sft = config.for_role(role)[1]
        if sft.get("packing"):
            yield f"difficulty: order {order!r} and packing exclude one another, since a pack holds rows of all kinds; leave one out (role {role!r})"
        if sft.get("train_sampling_strategy", "random") != "random":
            yield f"difficulty: order {order!r} decides the order of the rows, and so does train_sampling_strategy {sft['train_sampling_strategy']!r}; leave one out (role {role!r})"


def _column_problems(asked: Difficulty, folder: Path) -> Iterator[str]:
    """Whether the rows of a folder say what is asked for, by exactly one judge."""
    frame = read_frame(folder / RECORDS)
    cells = frame[COLUMN].drop_nulls().to_list() if COLUMN in frame.columns else []
    roles = {(c["role"], c["judge_sha256"]) for c in chain.from_iterable(cells)}
    named = {j for r, j in roles if r == asked.by and j.startswith(asked.judge or "")}
    if not named:
        has = ", ".join(sorted(f"{r} (judge {j[:12]})" for r, j in roles)) or "none"
        yield (
            f"difficulty: no row of {folder} has a pass rate by {asked.by!r}"
            + (f" with the judge {asked.judge!r}" if asked.judge else "")
            + f", there are {has}; run lorid-data difficulty, or name another role under by:"
        )
    elif len(named) > 1:
        some = ", ".join(sorted(j[:12] for j in named))
        yield f"difficulty: {folder} has pass rates by several who play {asked.by!r}; name one under judge: ({some})"


def rate(record: Record, asked: Difficulty) -> PassRate | None:
    """What the judge made of a row; None where it was not asked."""
    return rate_of(record.difficulty, asked.by, asked.judge)


def within(
    records: Iterable[Record], asked: Difficulty | None, role: Role, counts: RoleCounts
) -> Iterator[Record]:
    """The rows inside the band; the others are rejected into `counts`, once for each example of theirs."""
    if asked is None or asked.band is None:
        yield from records
        return
    for record in records:
        found = judged(rate(record, asked), asked.band)
        if found == "inside" or (found == "unknown" and asked.unknown == "keep"):
            yield record
            continue
        for part in (role.name, *role.also):
            counts.n_in += 1
            counts.rejects.append(_reject(record, asked, stage_of(role, part), _REASONS[found]))


def _reject(record: Record, asked: Difficulty, stage: str, reason: RejectReason) -> Reject:
    found, band = rate(record, asked), asked.band
    assert band is not None
    detail = (
        f"not asked of {asked.by}"
        if found is None
        else f"{found.n_right} of {found.n_draws} draws of {asked.by} are right"
    )
    return Reject(
        row_id=record.row_id, stage=stage, disposition=Disposition.DROP, reason=reason,
        detail=f"{detail}; the band is {band[0]:g} to {band[1]:g}", problem_id=record.problem_id,
        split=record.split,
    )  # fmt: skip


def ease(record: Record, asked: Difficulty | None) -> float:
    """How easy a row is, 0 to 1 exclusive: the posterior mean of its pass rate; NaN where it is unknown."""
    found = None if asked is None else rate(record, asked)
    return float("nan") if found is None else found.expected


def filled(values: Iterable[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The values with the unknown ones in the middle: at the mean of the known, or one half."""
    found = np.fromiter(values, dtype=np.float64)
    unknown = np.isnan(found)
    found[unknown] = 0.5 if unknown.all() else found[~unknown].mean()
    return found


class EaseSampler:
    """A sampler: rows by how easy they are, or drawn by it.

    `easy_first` and `hard_first` go through all rows once an epoch, equal ones in random order;
    `weighted` draws as many rows with replacement, a row with the weight p (1 − p) of its pass rate
    p, so that what is solved half of the time comes most. The order depends on seed and epoch
    alone: a resumed run sees the same.
    """

    def __init__(self, values: Iterable[float], order: str, seed: int) -> None:
        self._ease, self._order, self._seed = filled(values), order, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of that epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._ease)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self._seed, self._epoch))
        if self._order == "weighted":
            weights = self._ease * (1 - self._ease)
            drawn = rng.choice(len(weights), len(weights), p=weights / weights.sum())
            yield from drawn.tolist()
            return
        by = self._ease if self._order == "hard_first" else -self._ease
        yield from np.lexsort((rng.permutation(len(by)), by)).tolist()


def figures(asked: Difficulty | None, counts: RoleCounts) -> dict[str, Any]:
    """What a manifest says of it; nothing where it was not asked for."""
    if asked is None:
        return {}
    known = [e for e in counts.ease if e == e]
    by_reason = {name: sum(r.reason == reason for r in counts.rejects) for name, reason in _REASONS.items()}  # fmt: skip
    return {
        "difficulty": {
            **asked.model_dump(mode="json"),
            "n_rejected_outside": by_reason["outside"],
            "n_rejected_unknown": by_reason["unknown"],
            "n_rows_unknown": len(counts.ease) - len(known),
        }
    }


def lines(asked: Difficulty | None, counts: Mapping[str, RoleCounts]) -> list[str]:
    """The plan, for people: what is judged by whom, what is left out, and where the unknown stand."""
    if asked is None:
        return []
    band = (
        "all rows"
        if asked.band is None
        else f"rows with a pass rate from {asked.band[0]:g} to {asked.band[1]:g}"
    )
    said = [
        f"difficulty: {band}, as {asked.by} solves them; order: {asked.order.replace('_', ' ')}"
    ]
    for name, c in counts.items():
        f = figures(asked, c)["difficulty"]
        unknown = count(f["n_rows_unknown"], "row")
        kept = f"{unknown} without one kept" + (
            ", as hard as the mean" if asked.order != "shuffled" else ""
        )
        gone = f"{f['n_rejected_outside']:,} outside and {f['n_rejected_unknown']:,} without a pass rate left out"
        said.append(f"  {name}: {gone}; {kept}")
    return said
