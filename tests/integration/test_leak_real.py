"""A real leak: a training file that holds four fifths of the test sets it is reported on."""

from __future__ import annotations

from pathlib import Path

import pytest

from lorid_data.cli.app import main
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.schema import Reject
from lorid_data.sources.registry import load

TESTS = {"MultiArith": 600, "AddSub": 395, "SingleEq": 508, "SVAMP": 1000, "AQuA": 254}
NAMED = ("--columns", "question=instruction", "rationale=output")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Path:
    """The file and its five test sets as dataset folders."""
    root = tmp_path_factory.mktemp("leak")
    data = real_data / "AGI-Edgerunners/LLM-Adapters"
    train = data / "ft-training_set/math_data.json"
    assert main(["import", str(train), *NAMED, "--out", str(root / "train")]) == 0
    for name, n in TESTS.items():
        test, out = data / "dataset" / name / "test.json", root / name
        assert main(["import", str(test), *NAMED, "--split", "test", "--out", str(out)]) == 0
        assert len(read_records(out)) == n
    return root


def questions(folder: Path) -> list[str]:
    return [r.question for r in read_records(folder)]


@pytest.mark.parametrize(("validated", "n_in", "n_copies"), [(True, 2491, 1857), (False, 3260, 2205)])  # fmt: skip
def test_every_copy_of_a_test_question_goes_and_no_other_row(
    folders: Path, real_data: Path, *, validated: bool, n_in: int, n_copies: int
) -> None:
    before = folders / "train"
    if validated:
        before = folders / "ok"
        assert main(["validate", str(folders / "train"), "--out", str(before)]) == 0
    out = folders / f"clean-{validated}"
    against = [str(folders / name) for name in TESTS]
    assert main(["decontaminate", str(before), "--against", *against, "--out", str(out)]) == 0
    copies = {q for name in TESTS for q in questions(folders / name)}
    asked, kept = questions(before), questions(out)
    assert (len(asked), sum(q in copies for q in asked)) == (n_in, n_copies)
    assert not copies & set(kept)
    assert len(kept) == n_in - n_copies
    # what is left is GSM8K's, all of it
    gsm8k = {
        p.question
        for split in ("train", "test")
        for p in load("gsm8k", split=split, source_path=str(real_data / "openai/gsm8k")).problems
    }
    assert set(kept) == gsm8k & set(asked)
    details = [r.detail for r in read_rows(out / "rejects.parquet", Reject)]
    assert all(d.startswith("same_question: 1.00 alike") for d in details)


def test_no_training_question_of_gsm8k_is_taken_for_one_of_them(
    folders: Path, real_data: Path
) -> None:
    gsm8k, out = folders / "gsm8k", folders / "gsm8k-clean"
    argv = ["build", "gsm8k", "--teacher", "none", "--source-path", str(real_data / "openai/gsm8k")]
    assert main([*argv, "--out", str(gsm8k)]) == 0
    against = [str(folders / name) for name in TESTS]
    assert main(["decontaminate", str(gsm8k), "--against", *against, "--out", str(out)]) == 0
    assert len(read_records(out)) == 7473
