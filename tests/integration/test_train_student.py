"""The script that trains the student: what its corpus may hold, and a run of 20 steps."""

import os
import re
import subprocess
import sys
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest

from lorid_data import prompts
from lorid_data.folders.files import sha256_file
from lorid_data.sources.arithmetic.generate import HELDOUT_FAMILIES, split_of
from lorid_data.sources.concepts import names

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"


@pytest.fixture
def text(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import student_text

    return student_text


@pytest.mark.parametrize("course", [1, 2])
def test_the_corpus_holds_train_questions_alone(text: Any, course: int) -> None:
    problems = [d.given for d in islice(text.documents(0, course), 800) if not d.results_only]
    questions = [t.split("\n")[0] for t in problems]
    assert len(questions) > 300
    assert {split_of(q) for q in questions} == {"train"}
    held = {p.split("{")[0] for f in HELDOUT_FAMILIES for p in f.phrasings} - {""}
    assert not [q for q in questions for start in held if len(start) > 9 and q.startswith(start)]


@pytest.mark.parametrize(("course", "n_facts"), [(1, 4000), (2, 1500), (3, 2500)])
def test_the_corpus_states_no_held_out_fact(text: Any, course: int, n_facts: int) -> None:
    stated = {
        fact
        for d in islice(text.documents(0, course), 1500)
        for fact in re.findall(r"\d+ [-+*/] \d+ = \d+", d.text)
    }
    assert len(stated) > n_facts
    assert not [fact for fact in stated if text.is_held_out(fact)]
    for op in text.OPERATORS:
        facts = text.held_out_facts(op, 20, seed=0)
        assert len(set(facts)) == 20
        assert all(text.is_held_out(f) and f" {op} " in f for f in facts)


def test_the_corpus_holds_no_role(text: Any) -> None:
    roles = [prompts.load(f"roles/{r}.v1").text.split("\n")[0] for r in ("ir", "kg", "dr")]
    for course in (1, 2, 3):
        for d in islice(text.documents(0, course), 800):
            assert not [r for r in roles if r[:30] in d.given + d.text]


def test_the_second_course_prints_how_roles_end(text: Any) -> None:
    """What the base never prints cannot be sampled: its embedding is frozen for the adapters."""
    assert not [d for d in islice(text.documents(0, 1), 400) if "-->" in d.text]
    ended = [d for d in islice(text.documents(0, 2), 400) if re.search(r"\n--> \d+ END$", d.text)]
    assert len(ended) > 150


def test_the_third_course_holds_no_concept_of_a_world(text: Any) -> None:
    """Invented names are those that no world may use; real ones are printed and never explained."""
    invented = {
        f"{a}{b}{c}{d}"
        for a, b, c, d in product(names._STARTS, names._VOWELS, names._MIDDLES, names._ENDS)
    }
    real = {u[0] for u in names.REAL_UNITS} | {f[0] for f in names.REAL_FORMULAS}
    documents = list(islice(text.documents(0, 3), 6000))
    words = {w for d in documents for w in re.findall(r"[a-z]+", f"{d.given} {d.text}")}
    met = {w for w in words | {w.removesuffix("s") for w in words} if w in invented}
    assert len(met) > 600
    assert not [w for w in met if names.is_reserved(w)]
    stated = re.compile(r"\b(?:An? (\w+) is \d|The (\w+) of two numbers is their)")
    defined = {a or b for d in documents for a, b in stated.findall(d.text)}
    assert len(defined) > 200
    assert not defined & real
    plurals = {u[1] for u in names.REAL_UNITS}
    assert len({w for d in documents for w in re.findall(r"[a-z]+", d.text)} & plurals) > 25


def test_the_third_course_states_definitions_and_practises_recall(text: Any) -> None:
    documents = [d for d in islice(text.documents(0, 3), 2000) if not d.results_only]
    states = re.compile(r"\n(An? \w+ is \d+|The \w+ of two numbers is)[^\n]*\n$")
    followed = [d for d in documents if states.search(d.given)]
    recalled = [
        d for d in documents if re.match(r"(An? \w+ is \d+|The \w+ of two numbers)", d.text)
    ]
    assert len(followed) > 400
    assert len(recalled) > 200


def test_the_corpus_is_the_same_every_time(text: Any) -> None:
    for course in (1, 3):
        first = list(islice(text.documents(4, course), 60))
        assert first == list(islice(text.documents(4, course), 60))
        assert first != list(islice(text.documents(5, course), 60))


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
        assert "20 steps of 8 x 256 tokens" in " ".join(card.split())
        assert "{" not in card
    after = [
        *command[:2],
        "--steps",
        "3",
        "--course",
        "3",
        "--after",
        str(tmp_path / "a"),
        *command[6:-1],
        str(tmp_path / "c"),
    ]
    subprocess.run(after, env=env, capture_output=True, check=True)
    assert sha256_file(tmp_path / "c" / "model.safetensors") != hashes[0]
    assert "the third course" in " ".join((tmp_path / "c" / "README.md").read_text().split())
    assert hashes[0] == hashes[1]
