"""Whether the questions of an evaluation were trained on: by hash, and nearly, as `decontaminate` looks.

A run says what it was trained on: its questions by hash, and the dataset folder, which is read
where it still lies there unchanged. Of adapters from elsewhere nothing is known, and that is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.commandline.progress import Progress, say
from lorid_data.contamination.matches import CONTAMINATED, Questions, find_matches
from lorid_data.contamination.test_set import TestSet
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.files import sha256_file, write_text
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.names import MANIFEST
from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.folders.records import iter_records
from lorid_data.schema import FrozenModel, Manifest, Record
from lorid_data.texts import strict_json
from lorid_data.texts.counting import count
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.trained import metric_of
from lorid_train.models.adapters import CARD, WEIGHTS
from lorid_train.models.untrusted import read_object
from lorid_train.training import trained_on
from lorid_train.training.saving import FIGURES
from lorid_train.training.trained_on import TrainedOn, text_hash

FILE = "trained_on.parquet"
"""File of an evaluation folder."""
LOSSES = "training.json"
"""Another: the losses of each role's training."""
SAME = "same"


class Found(FrozenModel):
    """One question of an evaluation that a role was trained on."""

    problem_id: str
    role: str
    how: str
    """`same`, or how `decontaminate` calls it: holds_question, same_words."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at the training data of all roles gave.

    Attributes:
        found: one row per question and role.
        unknown: roles of which nothing says what they were trained on.
        by_hash_only: roles whose dataset folder is gone or has changed: near copies go unseen.
    """

    found: tuple[Found, ...] = ()
    unknown: tuple[str, ...] = ()
    by_hash_only: tuple[str, ...] = ()

    @property
    def n_questions(self) -> int:
        """Questions that at least one role was trained on."""
        return len({f.problem_id for f in self.found})


def look(
    adapters: Mapping[str, Path], records: Sequence[Record], others: Sequence[str] = ()
) -> Looked:
    """Hold the questions against what the adapters were trained on.

    Args:
        adapters: folder of each role's adapter.
        records: the questions to evaluate on.
        others: roles that are played by models of others.

    Raises:
        InputError: a file of the run that says so is damaged.
    """
    found: list[Found] = []
    unknown, by_hash_only = list(others), []
    matches: _Matches = {}
    for role, folder in adapters.items():
        hits, is_whole = _of_adapter(folder, role, records, matches)
        if hits is None:
            unknown.append(role)
            continue
        if not is_whole:
            by_hash_only.append(role)
        found += [Found(problem_id=p, role=role, how=how) for p, how in hits.items()]
    return Looked(tuple(found), tuple(unknown), tuple(by_hash_only))


_Matches = dict[tuple[Path, frozenset[str]], dict[str, str]]
"""By dataset folder and its questions, how near the evaluated ones come to them."""


def _of_adapter(
    folder: Path, role: str, records: Sequence[Record], matches: _Matches
) -> tuple[dict[str, str] | None, bool]:
    """How the questions match what one adapter was trained on, and whether near copies were looked for.

    An adapter that goes on from another was trained on the questions of both. None where what it
    learnt from is not recorded.
    """
    run = _run_of(folder)
    if run is None:
        return None, False
    manifest = read_manifest(run)
    data = _data_of(manifest, role)
    rows = _rows(run, manifest, role, data)
    if rows is None or not _is_all_known(folder):
        return None, False
    hits, is_whole = _same(rows, records), data is not None
    if data is not None:
        key = data, frozenset(r.problem_id for r in rows)
        if key not in matches:  # three roles of one dataset are compared once
            matches[key] = _near(data, key[1], records)
        hits = matches[key] | hits
    if role in manifest.identity.get("init_sha256", {}):
        before = _gone_on_from(manifest, role)
        older, was_whole = _of_adapter(before, role, records, matches) if before else (None, False)
        hits, is_whole = (older or {}) | hits, is_whole and older is not None and was_whole
    return hits, is_whole


def _is_all_known(folder: Path) -> bool:
    """Whether the card of an adapter says that what it learnt from is recorded, all the way back."""
    path = folder / CARD
    card: Any = read_object(path, str(folder)) if path.is_file() else {}
    while isinstance(card.get("init"), dict):
        card = card["init"]
        if not card.get("trained_on_known"):
            return False
    return True


def _gone_on_from(manifest: Manifest, role: str) -> Path | None:
    """The adapter that a run went on from, where it is at hand and unchanged."""
    folder = Path(str(manifest.settings.get("init", {}).get(role)))
    wanted = manifest.identity["init_sha256"][role]
    path = folder / WEIGHTS
    return folder if path.is_file() and sha256_file(path) == wanted else None


def _run_of(adapter: Path) -> Path | None:
    """The finished run that an adapter's folder lies in, or None."""
    run = adapter.resolve().parent.parent
    is_one = adapter.resolve().parent.name == "adapters" and (run / MANIFEST).is_file()
    return run if is_one else None


def _data_of(manifest: Manifest, role: str) -> Path | None:
    """The dataset folder that a role was trained on, where it is at hand and unchanged."""
    data = manifest.settings.get("data")
    name = data.get(role) if isinstance(data, dict) else data
    wanted = manifest.identity.get("data_sha256", {}).get(role)
    folder = Path(str(name))
    try:
        return folder if name and wanted and manifest_sha256(folder) == wanted else None
    except (InputError, OSError):
        return None


def _rows(run: Path, manifest: Manifest, role: str, data: Path | None) -> list[TrainedOn] | None:
    """What a role was trained on; of runs that did not keep it, read from their dataset folder."""
    kept = trained_on.read(run)
    if kept is not None:
        return [r for r in kept if r.role == role]
    if data is None:
        return None
    split, limit = manifest.identity.get("split"), manifest.identity.get("limit")
    records = [r for r in iter_records(data) if split in (None, r.split)]
    return trained_on.rows_of(role, records[:limit], set())


def _same(rows: Sequence[TrainedOn], records: Sequence[Record]) -> dict[str, str]:
    ids, texts = {r.problem_id for r in rows}, {r.text_sha256 for r in rows}
    return {
        r.problem_id: SAME for r in records if r.problem_id in ids or text_hash(r.question) in texts
    }


def _near(data: Path, ids: frozenset[str], records: Sequence[Record]) -> dict[str, str]:
    """By question, how a training question matches it, by the measure of `decontaminate`."""
    chosen: dict[str, Record] = {}
    for r in iter_records(data):
        if r.problem_id in ids:
            chosen.setdefault(r.problem_id, r)
    ours = list(chosen.values())
    tests = TestSet(
        "evaluated", "", tuple(r.problem_id for r in records), tuple(r.question for r in records),
        tuple(r.answer for r in records),
    )  # fmt: skip
    questions = Questions([r.problem_id for r in ours], [r.question for r in ours], [r.answer for r in ours])  # fmt: skip
    with Progress("evaluate: looking for trained questions", len(ours)) as progress:
        made = find_matches(questions, tests, progress.advance)
    found: dict[str, str] = {}
    for m in made:
        if m.rule in CONTAMINATED:
            found.setdefault(m.test_problem_id, m.rule.value)
    return found


def refuse(looked: Looked, records: Sequence[Record], *, allowed: bool) -> None:
    """Say what was found; refuse to evaluate on it, but where that is asked for.

    Raises:
        ConfigError: some questions were trained on.
    """
    if looked.unknown:
        say(
            f"note: what {', '.join(looked.unknown)} learnt from is not recorded here; whether these questions were among it cannot be told"
        )
    if looked.by_hash_only:
        say(
            f"note: the training data of {', '.join(looked.by_hash_only)} is not at hand unchanged: the same questions are found, near copies are not"
        )
    if not looked.found or allowed:
        return
    first = next(f for f in looked.found)
    text = next(r.question for r in records if r.problem_id == first.problem_id)
    raise ConfigError(
        f"{sentence(looked, len(records))}; the first is {text[:80]!r}. Evaluate on others: where one folder was parted, "
        "run lorid-data dedup before lorid-data split and train again; of another test set, lorid-data decontaminate "
        "takes them out of the training data. Or add --allow-trained-questions: the report then says so first of all"
    )


def sentence(looked: Looked, n: int) -> str:
    """How many of `n` questions were trained on, by whom and how closely."""
    return f"{count(looked.n_questions, 'question')} of the {n:,} evaluated {'was' if looked.n_questions == 1 else 'were'} trained on ({_how(looked)})"


def _how(looked: Looked) -> str:
    by_role: dict[str, list[str]] = {}
    for f in looked.found:
        by_role.setdefault(f.role, []).append(f.how)
    groups: dict[str, list[str]] = {}
    for role, hows in by_role.items():
        same, near = hows.count(SAME), len(hows) - hows.count(SAME)
        parts = [f"{same:,} the same"] * bool(same) + [f"{near:,} nearly so"] * bool(near)
        groups.setdefault(", ".join(parts), []).append(role)
    return "; ".join(f"{', '.join(roles)}: {what}" for what, roles in groups.items())


def keep(folder: Path, looked: Looked) -> None:
    """Write what was found into an evaluation folder; nothing where nothing was."""
    if looked.found:
        write_rows(folder / FILE, Found, looked.found)


def keep_losses(out: Path, adapters: Mapping[str, Path]) -> None:
    """Write into an evaluation folder what training logged of each role, for the report's curves."""
    found = {}
    for role, folder in adapters.items():
        path = folder / FIGURES
        if _run_of(folder) is not None and path.is_file():  # files of others are not drawn
            body = strict_json.parse(path.read_bytes())
            found[role] = {k: body[k] for k in ("train_loss", "validation") if k in body}
    if found:
        write_text(out / LOSSES, json.dumps(found))


def losses(folder: Path) -> dict[str, Any]:
    """What training logged, by role; nothing where that is not known."""
    path = folder / LOSSES
    found: dict[str, Any] = strict_json.parse(path.read_bytes()) if path.is_file() else {}
    return found


def metrics(folder: Path, n: int) -> Iterator[Metric]:
    """How many of `n` questions were trained on, for `metrics.json` and the report's first line."""
    path = folder / FILE
    if not path.is_file():
        return
    looked = Looked(tuple(read_rows(path, Found)))
    yield metric_of(looked.n_questions, n, _how(looked))
