"""The script that trains the student: what its corpus may hold, and a run of 20 steps."""

import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from lorid_data import prompts
from lorid_data.sources.arithmetic.generate import HELDOUT_FAMILIES, split_of
from lorid_data.store import sha256_file

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"


@pytest.fixture
def text(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import student_text

    return student_text


def test_the_corpus_holds_train_questions_alone(text: Any) -> None:
    problems = [d.text for d in islice(text.documents(0), 800) if not d.results_only]
    questions = [t.split("\n")[0] for t in problems]
    assert len(questions) > 300
    assert {split_of(q) for q in questions} == {"train"}
    held = {p.split("{")[0] for f in HELDOUT_FAMILIES for p in f.phrasings} - {""}
    assert not [q for q in questions for start in held if len(start) > 9 and q.startswith(start)]


def test_the_corpus_states_no_held_out_fact(text: Any) -> None:
    stated = {
        fact
        for d in islice(text.documents(0), 1500)
        for fact in re.findall(r"\d+ [-+*/] \d+ = \d+", d.text)
    }
    assert len(stated) > 5000
    assert not [fact for fact in stated if text.is_held_out(fact)]
    for op in text.OPERATORS:
        facts = text.held_out_facts(op, 50, seed=0)
        assert len(set(facts)) == 50
        assert all(text.is_held_out(f) and f" {op} " in f for f in facts)


def test_the_corpus_holds_no_role(text: Any) -> None:
    roles = [prompts.load(f"roles/{r}.v1").text.split("\n")[0] for r in ("ir", "kg", "dr")]
    for d in islice(text.documents(0), 800):
        assert "-->" not in d.text
        assert "END" not in d.text
        assert not [r for r in roles if r[:30] in d.text]


def test_the_corpus_is_the_same_every_time(text: Any) -> None:
    first = list(islice(text.documents(4), 60))
    assert first == list(islice(text.documents(4), 60))
    assert first != list(islice(text.documents(5), 60))


def test_loss_of_a_list_of_facts_is_on_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from train_student import result_labels

    # digits are 0..9, the equals sign is 20, signs are above it
    piece = [90, 4, 8, 21, 2, 20, 5, 0, 30, 7, 22, 7, 20, 9, 31]
    assert result_labels(piece, 20, set(range(10))) == [
        *([-100] * 6),
        *(5, 0, 30),
        *([-100] * 4),
        *(9, 31),
    ]


@pytest.mark.slow
def test_twenty_steps_write_a_whole_student_twice_the_same(tmp_path: Path) -> None:
    hashes = []
    for out in (tmp_path / "a", tmp_path / "b"):
        command = [
            sys.executable,
            str(SCRIPTS / "train_student.py"),
            "--steps",
            "20",
            "--seed",
            "1",
        ]
        command += ["--threads", "1", "--facts", "4", "--problems", "2", "--out", str(out)]
        env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        run = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        assert "step 20/20" in run.stdout
        hashes.append(sha256_file(out / "model.safetensors"))
        card = (out / "README.md").read_text(encoding="utf-8")
        assert hashes[-1] in card
        assert "--steps 20 --seed 1 --threads 1" in card
        assert "{" not in card
    assert hashes[0] == hashes[1]
