"""What the folders of the study `agreement` hold by now: each system's answers, question by question.

A part that is not there yet is None: the page says so, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lorid_data.folders.evaluations import DRAWS
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST, RECORDS
from lorid_data.folders.parquet import read_rows
from lorid_data.schema import Manifest, Record
from lorid_data.texts import strict_json
from lorid_train.drawn.labels import VOTERS
from lorid_train.metrics.rows import Outcome, Verdict
from lorid_train.report.reading import DrawFile

COST = "cost.json"
"""File beside a run: the CPU-seconds that its training took."""
OUTCOMES = "outcomes.parquet"
GREEDY, SAMPLED = "ir-greedy", "ir-sampled"
FORTH_AND_BACK = 3
"""Forward passes that a trained token costs: one forth, and back as much as two."""


@dataclass(frozen=True, slots=True)
class Row:
    """A system of the study.

    Attributes:
        name: as the configuration names it.
        says: what it is.
        reads_gold: whether anybody's right answers went into it.
        rule: by which the draws it learns from are chosen; None for the teacher's rows.
    """

    name: str
    says: str
    reads_gold: bool
    rule: str | None


@dataclass(frozen=True, slots=True)
class SettingPlace:
    """Where a setting lies."""

    name: str
    folder: Path
    by_subject: bool = False
    has_loop_after: bool = True
    """Whether the loop is to be asked again after training."""


@dataclass(frozen=True, slots=True)
class Said:
    """A system's answers: by question, one (right, tokens) per seed."""

    by_problem: Mapping[str, tuple[tuple[bool, int], ...]]

    @property
    def n_seeds(self) -> int:
        """Seeds that answered."""
        return len(next(iter(self.by_problem.values())))


@dataclass(frozen=True, slots=True)
class Trained:
    """What a further training was made of; means over the seeds."""

    n_rows: int
    n_steps: int
    n_tokens: float
    """Tokens that were trained on, prompts and every pass counted."""
    cpu_s: float | None
    coverage: float | None
    """Share of the fresh questions that gave a row; None for rows of the teacher's."""
    precision: float | None
    """Share of the rows whose answer is right; None where that is not known."""
    n_drawn_tokens: int
    """Generated tokens of the stored draws that the rule reads."""


@dataclass(slots=True)
class SettingRead:
    """One setting, as far as it was made."""

    name: str
    n_seeds: int = 1
    """Seeds that every further training is to have."""
    subjects: dict[str, str] = field(default_factory=dict)
    """By test question, its cluster: its subject where the study is over subjects, else itself."""
    seen: frozenset[str] | None = None
    """Subjects that training met; None where they are not told apart."""
    before: dict[str, Said] = field(default_factory=dict)
    """Systems before any further training: ir-greedy, ir-sampled, lorid@T, maj-ir@K, oracle."""
    greedy: dict[str, Said] = field(default_factory=dict)
    sampled: dict[str, Said] = field(default_factory=dict)
    loop_after: Said | None = None
    has_loop_after: bool = True
    """As in `SettingPlace`."""
    kept: dict[str, tuple[bool, ...]] = field(default_factory=dict)
    """By system and seed, whether the stop rule keeps the further training."""
    validation: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """By system and seed, greedy accuracy on the validation questions; `before` is the start's."""
    trained: dict[str, Trained] = field(default_factory=dict)


def read_setting(place: SettingPlace, rows: Sequence[Row], seeds: Sequence[int]) -> SettingRead:
    """What there is of a setting."""
    found = SettingRead(place.name, len(seeds), has_loop_after=place.has_loop_after)
    before = place.folder / "before"
    if not _is_done(before / "eval"):
        return found
    records = read_rows(before / "eval" / RECORDS, Record)
    found.subjects = {
        r.problem_id: (r.subject or r.problem_id) if place.by_subject else r.problem_id
        for r in records
    }
    train = place.folder / "data" / "train"
    if place.by_subject and _is_done(train):
        found.seen = frozenset(r.subject or "" for r in read_rows(train / RECORDS, Record))
    found.before = _systems(before / "eval")
    start = _greedy_accuracy(before / "validation")
    if start is not None:
        found.validation["before"] = (start,)
    drawn = _drawn_tokens(before / "draws")
    for row in rows:
        _read_system(found, place.folder / row.name, row, seeds, drawn)
    loops = [f for s in seeds if _is_done(f := place.folder / "consensus" / str(s) / "loop")]
    if loops:
        found.loop_after = _joined([_systems(f)[_loop_of(_systems(f))] for f in loops])
    return found


def loop_of(found: SettingRead) -> str:
    """The name of the loop at its largest threshold."""
    return _loop_of(found.before)


def _loop_of(systems: Iterable[str]) -> str:
    return max((s for s in systems if s.startswith("lorid@")), key=lambda s: int(s.partition("@")[2]))  # fmt: skip


def _read_system(
    found: SettingRead, folder: Path, row: Row, seeds: Sequence[int], drawn: Mapping[str, int]
) -> None:
    done = [folder / str(s) for s in seeds if _is_done(folder / str(s) / "eval")]
    if not done:
        return
    said = [_systems(f / "eval") for f in done]
    found.greedy[row.name] = _joined([s[GREEDY] for s in said])
    found.sampled[row.name] = _joined([s[SAMPLED] for s in said])
    start = found.validation.get("before")
    after = [_greedy_accuracy(f / "validation") for f in done]
    if start is not None and None not in after:
        values = tuple(a for a in after if a is not None)
        found.validation[row.name] = values
        found.kept[row.name] = tuple(a >= start[0] for a in values)
    found.trained[row.name] = _trained(folder.parent, done, row.rule, drawn)


def _is_done(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()


def _systems(folder: Path) -> dict[str, Said]:
    """Every system of an evaluation of one seed."""
    found: dict[str, dict[str, tuple[tuple[bool, int], ...]]] = {}
    for o in read_rows(folder / OUTCOMES, Outcome):
        by = found.setdefault(o.system, {})
        by[o.problem_id] = (*by.get(o.problem_id, ()), (o.verdict == Verdict.CORRECT, o.n_tokens))
    return {system: Said(by) for system, by in found.items()}


def _joined(said: Sequence[Said]) -> Said:
    """The same system under several seeds."""
    return Said({p: tuple(x for s in said for x in s.by_problem[p]) for p in said[0].by_problem})


def _greedy_accuracy(folder: Path) -> float | None:
    if not _is_done(folder):
        return None
    of = _systems(folder)[GREEDY].by_problem.values()
    return sum(right for v in of for right, _ in v) / len(of)


def _drawn_tokens(folder: Path) -> dict[str, int]:
    """Generated tokens of the stored draws, by role."""
    if not _is_done(folder):
        return {}
    of, found = DrawFile(folder / DRAWS), dict[str, int]()
    for r in read_rows(folder / RECORDS, Record):
        for d in of(r.problem_id):
            found[d.role] = found.get(d.role, 0) + d.n_tokens
    return found


def _trained(
    folder: Path, done: Sequence[Path], rule: str | None, drawn: Mapping[str, int]
) -> Trained:
    """What a further training was made of, out of the manifests of its runs."""
    costs = [_cost(f / COST) for f in done]
    known = [c for c in costs if c is not None]
    first = read_manifest(done[0] / "run")
    exported = folder / "rows" / (rule or "")
    of = read_manifest(exported).figures if rule and _is_done(exported) else {}
    readers = ("ir", "kg", "dr") if VOTERS.get(rule or "") == ("ir", "dr") else ("ir",)
    return Trained(
        n_rows=first.figures["ir"]["n_rows"], n_steps=first.figures["ir"]["n_steps"], n_tokens=_tokens(first),
        cpu_s=sum(known) / len(known) if known else None, coverage=of.get("coverage_fraction"),
        precision=of.get("row_precision_fraction"),
        n_drawn_tokens=sum(drawn.get(r, 0) for r in readers) if rule else 0,
    )  # fmt: skip


def _tokens(run: Manifest) -> float:
    """Tokens that a run passed through the model in training, every pass counted."""
    of: dict[str, Any] = run.figures["ir"]
    if of.get("method") == "grpo":  # counted as they came
        return float(of["n_tokens"])
    sft = run.identity.get("dpo") or run.identity["sft"]
    batch = sft.get("per_device_train_batch_size", 1) * sft.get("gradient_accumulation_steps", 1)
    return float(of["n_tokens"] * of["n_steps"] / -(-of["n_rows"] // batch))


def _cost(path: Path) -> float | None:
    return float(strict_json.parse(path.read_bytes())["cpu_s"]) if path.is_file() else None
