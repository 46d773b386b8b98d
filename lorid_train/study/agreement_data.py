"""The questions of a setting: built or read, parted, and written as dataset folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lorid_data import pipeline
from lorid_data.errors import ConfigError
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.names import MANIFEST
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Record, row_ids
from lorid_data.texts.counting import count
from lorid_train.study import splits
from lorid_train.study.agreement_settings import PARTS, Part, Setting
from lorid_train.study.settings import DRAWN

SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Place:
    """A setting of a study, and the folder that holds all of it."""

    name: str
    setting: Setting
    folder: Path

    def part(self, name: str) -> Path:
        """The dataset folder of a part."""
        return self.folder / "data" / name


def make_parts(place: Place) -> None:
    """Write the dataset folder of each part; do nothing where that is done.

    Raises:
        ConfigError: a split holds too few rows, or one question would stand in two parts.
    """
    s = place.setting
    sources = {split: _source(place, split) for split in dict.fromkeys(p.split for p in s.parts.values())}  # fmt: skip
    identity = {
        "parents_sha256": {n: manifest_sha256(f) for n, f in sources.items()},
        "parts": {n: p.model_dump(mode="json") for n, p in s.parts.items()},
        "groups": s.groups, "world": s.world,
    }  # fmt: skip
    if all((place.part(n) / MANIFEST).is_file() for n in s.parts):
        return
    records = {split: read_records(folder) for split, folder in sources.items()}
    made = parted(s, records)
    for name in PARTS:
        if name in made:
            with open_stage(
                place.part(name), "study-data", identity={**identity, "part": name}
            ) as stage:
                if stage.done is None:
                    write_dataset(stage, made[name], [], n_in=len(made[name]))


def _source(place: Place, split: str) -> Path:
    """The folder that a split's rows come from: built by its seed, or the setting's own."""
    s = place.setting
    if s.source not in DRAWN:
        return Path(s.source)
    out = place.folder / "data" / "source" / split
    build: dict[str, object] = {"source": s.source, "teacher": "source", "split": split, "seed": s.world}  # fmt: skip
    rows = [p.rows for p in s.parts.values() if p.split == split]
    if s.source == "arithmetic":  # its first rows are the same whatever the limit
        build["limit"] = sum(n or 0 for n in rows)
    pipeline.run(pipeline.read_config({"out": str(out), "build": build, "validate": {}}, "study"))
    return out / "validate"


def parted(setting: Setting, records: Mapping[str, Sequence[Record]]) -> dict[str, list[Record]]:
    """The rows of each part, named by it; parts of one split follow one another.

    Raises:
        ConfigError: as `make_parts`.
    """
    of = {split: [r for r in rows if r.split == split] for split, rows in records.items()}
    train = setting.parts.get("train")
    if setting.groups is not None and train is not None:
        named = {**of, "train": of[train.split]}
        kept = splits.of_groups(named, SUBJECT, setting.groups, setting.world)
        of = {split: kept[split] for split in of}
    at = dict.fromkeys(of, 0)
    made: dict[str, list[Record]] = {}
    problems = []
    for name in sorted(setting.parts, key=PARTS.index):
        p: Part = setting.parts[name]
        rows = of[p.split][at[p.split] :]
        n = len(rows) if p.rows is None else p.rows
        if len(rows) < max(1, n):
            problems.append(
                f"parts.{name}: {count(n, 'row')} wanted, {len(rows)} left of {setting.source}'s split {p.split!r}; name fewer"
            )
        at[p.split] += n
        made[name] = _named(rows[:n], name)
    problems += _shared(made)
    if problems:
        raise ConfigError(*problems)
    return made


def _named(records: Sequence[Record], part: str) -> list[Record]:
    """The records as rows of a split of that name; test rows are `test`, and no draw of them is trained on."""
    found = [r.model_copy(update={"split": part}) for r in records]
    return [r.model_copy(update={"row_id": i}) for r, i in zip(found, row_ids(found), strict=True)]


def _shared(made: Mapping[str, Sequence[Record]]) -> list[str]:
    """What is wrong where a question stands in two parts."""
    ids = {name: {r.problem_id for r in rows} for name, rows in made.items()}
    names = list(ids)
    return [
        f"{count(n, 'question')} of {a!r} found in {b!r} too; the parts of a setting share none"
        for i, a in enumerate(names)
        for b in names[i + 1 :]
        if (n := len(ids[a] & ids[b]))
    ]


def equal_rows(place: Place, rows: Path, n: int, out: Path) -> None:
    """Write at most `n` rows of a dataset folder, chosen by the world's seed; nothing where that is done."""
    identity = {"parent_sha256": manifest_sha256(rows), "n": n, "world": place.setting.world}
    with open_stage(out, "study-data", identity=identity) as stage:
        if stage.done is None:
            kept = splits.limited(read_records(rows), n, place.setting.world)
            write_dataset(stage, kept, [], n_in=len(kept))
