"""CHAMP: concepts and hints as knowledge, and the answers that its own wording gives."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from lorid_data.answers import Verdict, equal, reference
from lorid_data.errors import ConfigError, InputError
from lorid_data.sources.champ import answers_of
from lorid_data.sources.registry import load


def text(said: str) -> dict[str, object]:
    return {"_raw_text": f"@@{said}@@", "_text": said, "identifier": "X"}


def problem(answer: str, *parts: str) -> dict[str, object]:
    return {
        **text(f"What is {answer}?"), "category": "Sequence", "solution": {"steps": [text("First."), text("Then.")]},
        "_raw_answer": f"@@{answer}@@", "_answer": answer, "ch_list": list(parts), "conversations": {"a|b": {"messages": []}},
    }  # fmt: skip


BODY = {
    "problems": {
        "P_1": problem("C(10, 5), or equivalently 252", "H_1", "C_1", "H_2"),
        "P_2": problem("3 is the only possible value", "C_1"),
        "P_3": problem("No", "H_2"),
    },
    "concepts": {"C_1": text("Sums are sums.")},
    "hints": {"H_1": text("Look at n=1."), "H_2": text("Look at n=2.")},
}  # fmt: skip


@pytest.fixture
def champ(tmp_path: Path) -> str:
    path = tmp_path / "v0.json"
    path.write_text(json.dumps(BODY), encoding="utf-8")
    return str(path)


def test_concepts_come_before_hints_and_a_flag_says_which_there_are(champ: str) -> None:
    one, two, three = load("champ", split="test", source_path=champ).problems
    assert one.knowledge == ("Sums are sums.", "Look at n=1.", "Look at n=2.")
    assert (one.answer, one.accepted) == ("C(10, 5)", ("252",))
    assert (one.rationale, one.subject, one.licence) == ("First.\nThen.", "Sequence", "MIT")
    assert [p.flags for p in (one, two, three)] == [
        ("holds_concepts", "holds_hints"),
        ("holds_concepts",),
        ("holds_hints",),
    ]
    assert (two.answer, two.accepted) == ("3", ())


def test_each_kind_can_be_taken_alone(champ: str) -> None:
    concepts = load("champ:concepts", split="test", source_path=champ).problems
    hints = load("champ:hints", split="test", source_path=champ).problems
    assert [p.knowledge for p in concepts] == [("Sums are sums.",), ("Sums are sums.",), ()]
    assert [len(p.knowledge) for p in hints] == [2, 0, 1]
    assert {p.source for p in hints} == {"champ:hints"}
    with pytest.raises(ConfigError, match="no such kind of knowledge"):
        load("champ:proofs", split="test", source_path=champ)
    with pytest.raises(ConfigError, match="no split 'train'"):
        load("champ", source_path=champ)


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        ("C(10, 5), or equivalently 252", ("C(10, 5)", "252")),
        ("a(b), or an equivalent form such as ab", ("a(b)", "ab")),
        ("5/14, or approximately 35.7%", ("5/14",)),
        ("100 (i.e., all values)", ("100",)),
        ("At most 0 integer-valued zeros (i.e., no integer zeros)", ("0",)),
        ("0 (none of the values)", ("0",)),
        ("The limit exists and is equal to (a+3b)/2", ("(a+3b)/2",)),
        ("At least 1 number", ("1",)),
        # anything else is one answer, whatever it looks like
        ("x=2 or x=3", ("x=2 or x=3",)),
        ("It is red, or blue", ("It is red, or blue",)),
        ("f(x)=0 or f(x)=1", ("f(x)=0 or f(x)=1",)),
        ("(x=8, y=2), (x=2, y=8)", ("(x=8, y=2), (x=2, y=8)",)),
    ],
)
def test_answers_are_read_by_the_wordings_of_champ_alone(
    said: str, answers: tuple[str, ...]
) -> None:
    assert answers_of(said) == answers


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("[1, 2]", "not the file of CHAMP"),
        ("{not json", "not the file of CHAMP"),
        (json.dumps({**BODY, "hints": {}}), "'P_1' names 'H_1', which is neither a concept nor a hint"),
        (json.dumps({**BODY, "problems": {"P": {"_text": "q"}}}), "problems.P.category"),
    ],
)  # fmt: skip
def test_another_file_is_refused(tmp_path: Path, body: str, says: str) -> None:
    path = tmp_path / "v0.json"
    path.write_text(body, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        load("champ", split="test", source_path=str(path))


def test_without_the_package_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lorid_data.sources.champ.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install --no-deps champ-dataset==1\.0\.0"):
        load("champ", split="test")
    with pytest.raises(InputError, match=r"holds no v0\.json"):
        load("champ", split="test", source_path=str(tmp_path))


def test_the_installed_package_is_read_and_never_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "champ_dataset" / "dataset_files"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    (folder / "v0.json").write_text(json.dumps(BODY), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    assert len(load("champ", split="test").problems) == 3
    assert "champ_dataset" not in sys.modules


def test_the_published_problems() -> None:
    if importlib.util.find_spec("champ_dataset") is None:
        pytest.skip("champ-dataset==1.0.0 is not installed: pip install --no-deps champ-dataset==1.0.0")  # fmt: skip
    loaded = load("champ", split="test")
    assert len({p.problem_id for p in loaded.problems}) == 270
    assert sum(bool(p.accepted) for p in loaded.problems) == 7
    assert Counter(f for p in loaded.problems for f in p.flags) == {"holds_concepts": 223, "holds_hints": 245}  # fmt: skip
    for p in loaded.problems:
        assert p.knowledge
        gold = reference(p.answer, p.accepted)
        assert all(equal(a, gold) is Verdict.EQUAL for a in (p.answer, *p.accepted))
