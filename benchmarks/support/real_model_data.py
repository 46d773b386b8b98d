"""The folders that `real_model.py` trains and evaluates on, made once with the project's stages.

tests → decontaminate against the whole training file → clean
training file + recorded knowledge → validate → dedup → decontaminate against clean → split
                                                                train ↙    ↘ test → known
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import word_problems

from lorid_data import pipeline
from lorid_data.build.importing import import_table
from lorid_data.build.stage import BuildOptions, build
from lorid_data.decontaminate.stage import DecontaminateOptions, decontaminate
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Record, sha256_text

LICENCE = "ODC-By"
TEST_SHARE = 0.1


def prepare(
    data: Path | None, out: Path, *, n_clean: int | None, n_known: int | None, gsm8k: bool
) -> None:
    """Write `train/split`, `clean` and `known` (and `gsm8k`) below `out`.

    Args:
        data: as `word_problems.fetch`.
        out: where; finished folders are left as they are.
        n_clean: clean questions, spread over the test sets as they are; None takes all.
        n_known: held-out questions with recorded knowledge; None takes all.
        gsm8k: whether GSM8K's test split is wanted too.
    """
    tables = word_problems.write_tables(word_problems.fetch(data, out / "files"), out / "tables")
    import_table(tables["train"], out / "whole", licence=LICENCE)
    import_table(tables["test"], out / "tests", split="test", licence=LICENCE)
    against = DecontaminateOptions(against=(str(out / "whole"),))
    decontaminate(out / "tests", out / "all-clean", against)
    body = {
        "out": str(out / "train"),
        "build": {"source": str(tables["train"]), "teacher": "recorded"},
        "validate": {}, "dedup": {}, "decontaminate": {"against": [str(out / "all-clean")]}, "split": {"test": TEST_SHARE},
    }  # fmt: skip
    pipeline.run(pipeline.read_config(body, "real_model"))
    _leak(tables, out)
    clean = list({r.problem_id: r for r in read_records(out / "all-clean")}.values())
    write_some(out / "all-clean", out / "clean", spread(clean, n_clean))
    held_out = [r for r in read_records(out / "train" / "split") if r.split == "test"]
    held_out = list({r.problem_id: r for r in held_out}.values())
    write_some(out / "train" / "split", out / "known", in_hash_order(held_out)[:n_known])
    if gsm8k:
        path = str(data / "openai/gsm8k") if data else None
        build(
            BuildOptions(source="gsm8k", teacher="none", split="test", source_path=path),
            out / "gsm8k",
        )


def _leak(tables: dict[str, Path], out: Path) -> None:
    """What `decontaminate` finds of the five whole test sets in the rows that validate."""
    plain = import_table(tables["train"], out / "whole", licence=LICENCE)
    pipeline.validate(out / "whole", out / "whole-valid")
    tests = tuple(str(tables[name]) for name in (*word_problems.TESTS, "AQuA"))
    found = decontaminate(out / "whole-valid", out / "leak", DecontaminateOptions(against=tests))
    said = {"n_rows": plain.n_kept, "n_valid": found.n_in, "n_rejected": dict(found.n_rejected)}
    (out / "leak.json").write_text(json.dumps(said), encoding="utf-8")


def in_hash_order(records: list[Record]) -> list[Record]:
    """The records in an order that has nothing to do with the file's."""
    return sorted(records, key=lambda r: sha256_text(f"real_model {r.problem_id}"))


def spread(records: list[Record], n: int | None) -> list[Record]:
    """`n` of the records, of each subject its share, in an order that their hashes decide."""
    if n is None or n >= len(records):
        return records
    by_subject: dict[str, list[Record]] = {}
    for r in in_hash_order(records):
        by_subject.setdefault(str(r.subject), []).append(r)
    # The i-th of k rows of a subject stands at (i + ½) / k: the first n are its share of n.
    placed = [
        ((i + 0.5) / len(rows), subject, r)
        for subject, rows in sorted(by_subject.items())
        for i, r in enumerate(rows)
    ]
    return [r for *_, r in sorted(placed, key=lambda p: p[:2])[:n]]


def write_some(folder: Path, out: Path, records: list[Record]) -> None:
    """A dataset folder of chosen rows of another one."""
    ids = [r.row_id for r in records]
    with open_stage(
        out, "choose", identity={"of": folder.name, "row_ids": sha256_text("\n".join(ids))}
    ) as stage:
        if stage.done is None:
            write_dataset(stage, records, [], n_in=len(records))


def counts(folder: Path) -> Counter[str]:
    """Rows by subject."""
    return Counter(str(r.subject) for r in read_records(folder))
