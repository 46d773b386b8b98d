"""Several replies a row, and variants, on more rows than one batch: the same rows as all at once, no memory for them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lorid_data.audit import checks as audit_checks
from lorid_data.audit.result import Flag
from lorid_data.build.candidates import TABLE, Candidate
from lorid_data.build.choices import best_of, by_number
from lorid_data.build.choose import ChooseOptions, choose
from lorid_data.errors import InputError
from lorid_data.folders.batches import BATCH
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import RECORDS, REJECTS
from lorid_data.folders.parquet import ROW_GROUP, read_rows, write_rows
from lorid_data.folders.records import read_records
from lorid_data.schema import Record, Reject, row_ids
from tests.support.manifests import reseal
from tests.support.panels import build_panel, chosen_at_once

ROOT = Path(__file__).parents[2]
RULES = (
    ["Add the parts to find the whole."],
    ["The result is 7."],
    ["Read the problem carefully.", "Add the parts to find the whole."],
)


def rows(n: int) -> Iterator[dict[str, str]]:
    """Every eleventh is the same question, far apart; some are empty, some have no answer."""
    for i in range(n):
        k = i if i % 11 else 3
        question = f"What is {k} + {k + 1}?" if i % 97 != 5 else " "
        yield {"question": question, "rationale": f"It is {2 * k + 1}.", "answer": "" if i % 13 == 2 else str(2 * k + 1)}  # fmt: skip


def script(n: int, seed: int, *, rewrites: bool) -> Iterator[str]:
    """Lists that tie, lists with faults, replies that cannot be read, votes that differ."""
    rng = random.Random(seed)
    for i in range(n):
        k = i if i % 11 else 3
        said = {"output": rng.choice(RULES)}
        if rewrites:
            answer = str(2 * k + 1) if rng.random() < 0.8 else "-1"
            said |= {"rationale": rng.choice(["First so.", "Then thus."]) + f" {answer}", "answer": answer}  # fmt: skip
        yield json.dumps(said) if rng.random() < 0.9 else "no"


def panel_of(
    folder: Path, n: int, *, rewrites: bool, n_teachers: int = 3, limit: int | None = None
) -> Path:
    scripts = [script(n, seed, rewrites=rewrites) for seed in range(n_teachers)]
    return build_panel(folder, rows(n), scripts, rewrite_rationale=rewrites, limit=limit)


@pytest.fixture(autouse=True)
def quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the checks find is not in question here, and takes most of the time."""

    def found_in(row: Record) -> tuple[Flag, ...]:
        names = ("few_rules", "answer_leak", "generic_list")
        return tuple(Flag(check=names[i % 3]) for i in range(len("".join(row.knowledge)) % 4))

    monkeypatch.setattr(audit_checks, "found_in", found_in)


@pytest.mark.parametrize("number", [None, 1, 2, 4])
@pytest.mark.parametrize("rewrites", [False, True], ids=["lists", "rewritten"])
@pytest.mark.parametrize("n", [BATCH, 1300])
def test_batches_choose_what_all_rows_at_once_do(
    tmp_path: Path, n: int, rewrites: bool, number: int | None
) -> None:
    folder = panel_of(tmp_path / "p", n, rewrites=rewrites)
    compare(folder, tmp_path / "out", number)
    kept = read_records(folder)
    assert len({r.problem_id for r in kept}) < len(kept) < n, "repeated and rejected rows"


@pytest.mark.slow
def test_a_border_between_row_groups_is_none_between_rows(tmp_path: Path) -> None:
    """Records and replies end their groups at different rows."""
    n = ROW_GROUP + 300
    folder = panel_of(tmp_path / "p", n, rewrites=True, n_teachers=2)
    n_kept = read_manifest(folder).n_kept
    assert n_kept > BATCH
    assert len(read_rows(folder / TABLE, Candidate)) > ROW_GROUP
    compare(folder, tmp_path / "out", None)
    plain = panel_of(tmp_path / "q", n, rewrites=False, n_teachers=2)
    assert read_manifest(plain).n_kept > ROW_GROUP
    compare(plain, tmp_path / "second", 2)


def compare(folder: Path, out: Path, number: int | None) -> None:
    """The folder that `choose` writes against all rows at once, byte for byte."""
    options = ChooseOptions(by="number", number=number) if number else ChooseOptions()
    manifest = choose(folder, out, options)
    kept, rejects, table = chosen_at_once(
        folder,
        lambda r, of: by_number(best_of(r, of), of, number) if number else best_of(r, of),
        number=number,
    )
    for name, kind, wanted in ((RECORDS, Record, kept), (REJECTS, Reject, rejects), (TABLE, Candidate, table)):  # fmt: skip
        assert read_rows(out / name, kind) == wanted, name
        write_rows(out.parent / "wanted.parquet", kind, wanted)
        assert (out / name).read_bytes() == (out.parent / "wanted.parquet").read_bytes(), name
    assert (manifest.n_kept, sum(manifest.n_rejected.values())) == (len(kept), len(rejects))
    assert manifest.n_in == read_manifest(folder).n_kept
    assert sum(manifest.figures["n_rows_by_teacher"].values()) == manifest.n_in
    if not number:
        pairs = zip(read_records(folder), kept, strict=True)
        n_other = sum(old.provenance != new.provenance for old, new in pairs)
        assert manifest.figures["n_other_reply"] == n_other > 0


def test_one_other_rationale_is_enough_for_other_ids(tmp_path: Path) -> None:
    asked = [{"question": f"What is {i}?", "rationale": "So.", "answer": str(i)} for i in range(2)]

    def said(*rationales: str) -> list[str]:
        return [json.dumps({"output": RULES[0], "rationale": text, "answer": str(i)}) for i, text in enumerate(rationales)]  # fmt: skip

    scripts = [said("One way.", "One way."), said("Another way.", "One way.")]
    folder = build_panel(tmp_path / "p", asked, scripts, rewrite_rationale=True)
    choose(folder, tmp_path / "out", ChooseOptions(by="number", number=2))
    kept = read_records(tmp_path / "out")
    assert [r.rationale for r in kept] == ["Another way.", "One way."]
    assert [r.row_id for r in kept] == list(row_ids(kept))


def test_replies_that_do_not_follow_the_rows_are_refused(tmp_path: Path) -> None:
    folder = panel_of(tmp_path / "p", 40, rewrites=False)
    table = read_rows(folder / TABLE, Candidate)
    for other in (table[::-1], table[3:], []):
        write_rows(folder / TABLE, Candidate, other)
        reseal(folder)
        with pytest.raises(InputError, match="in another order than the rows; run the `build`"):
            choose(folder, tmp_path / "out")
        assert not list((tmp_path / "out").glob("*.parquet"))


def test_a_journal_that_lacks_replies_says_how_many(tmp_path: Path) -> None:
    folder = panel_of(tmp_path / "p", 700, rewrites=False)
    other = panel_of(tmp_path / "q", 700, rewrites=False, limit=600)
    second = ChooseOptions(by="number", number=2, journal=other / "journal.sqlite")
    wanted = {
        c[1].request_key for c in by_row(folder).values() if not c[1].reason and c[1].chosen == "no"
    }
    there = {c.request_key for c in read_rows(other / TABLE, Candidate)}
    assert 0 < len(wanted & there) < len(wanted)
    said = f"holds {len(wanted & there)} of the {len(wanted)} replies that are chosen"
    with pytest.raises(InputError, match=said):
        choose(folder, tmp_path / "out", second)
    left = {p.name for p in (tmp_path / "out").iterdir()}
    assert left <= {"config.yaml", ".lock"}


def by_row(folder: Path) -> dict[str, list[Candidate]]:
    kept = {r.row_id for r in read_records(folder)}
    found: dict[str, list[Candidate]] = {}
    for c in read_rows(folder / TABLE, Candidate):
        if c.row_id in kept:
            found.setdefault(c.row_id, []).append(c)
    return found


# --- memory ----------------------------------------------------------------------------------------

WIDE = "w" * 12_000
SIZES = (2 * ROW_GROUP, 7 * ROW_GROUP // 2)
"""Both fill every batch, row group and block; the larger one has 74 MB of texts more, several times over."""
_START = """
import sys
from pathlib import Path
folder, out = map(Path, sys.argv[1:])
from lorid_data.audit import checks
checks.found_in = lambda row: ()
from lorid_data.build.choose import ChooseOptions, choose
from lorid_data.build.stage import BuildOptions, build
from lorid_data.expand.stage import ExpandOptions, expand
from tests.support.peak import peak_kib
"""
_PANEL = "build(BuildOptions(source=str(folder / 't.jsonl'), teacher=tuple(f'scripted:{folder / name}.jsonl' for name in 'ab'), journal=folder / 'build' / 'journal.sqlite'), out)"
_STUDENT = "choose(folder / 'build', out, ChooseOptions(by='student', evaluations=(folder / 'eval',)))"  # fmt: skip
WORK = {
    "build": _PANEL,
    "number": "choose(folder / 'build', out, ChooseOptions(by='number', number=2))",
    "student": _STUDENT,
    "expand": "expand(folder / 'build', out, ExpandOptions(variants=str(folder / 'variants.jsonl')))",
}


@pytest.fixture(scope="module")
def small_and_large(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Panels of two teachers, draws on their lists, and a variant of each question: with a text of 12 KB in each row."""
    return [wide_panel(tmp_path_factory.mktemp("sizes") / str(n), n) for n in SIZES]


def wide_panel(folder: Path, n: int) -> Path:
    from tests.support.given_lists import write

    asked = [{"question": f"What is {i} + 1?", "rationale": f"It is {i + 1}.", "answer": str(i + 1)} for i in range(n)]  # fmt: skip
    replies = [[json.dumps({"output": [rule]})] * n for rule in ("Add the parts.", "Take the sum.")]
    build = build_panel(folder, ({**row, "level": WIDE} for row in asked), replies)
    with (folder / "variants.jsonl").open("w") as f:
        for row in asked:
            f.write(json.dumps({**row, "original_question": row["question"], "question": f"So {row['question']}", "level": WIDE}) + "\n")  # fmt: skip
    records = read_records(build)
    write(folder / "eval", records, {r.problem_id: [r.answer] for r in records})
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", WORK)
def test_memory_does_not_grow_with_the_rows(
    small_and_large: list[Path], tmp_path: Path, name: str
) -> None:
    code = f"{_START}\n{WORK[name]}\nprint(peak_kib())"
    peaks = []
    for i, folder in enumerate(small_and_large):
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder), str(tmp_path / str(i))], env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout.split()[-1]) / 1024)
    assert peaks[1] < peaks[0] + 40, peaks
