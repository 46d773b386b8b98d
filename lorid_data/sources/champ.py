"""CHAMP (Mao et al. 2024): 270 competition problems with concepts and hints by people, MIT.

A concept is a fact of mathematics that several problems share, a hint a step of one problem. Both
become knowledge, concepts first; `champ:concepts` and `champ:hints` take one kind alone, and the
flags `holds_concepts` and `holds_hints` say what a row carries. All problems are one split, `test`.

The file is that of the package `champ-dataset`, which is found where it is installed and never
imported. What people wrote as answers is read by the wordings that this dataset uses, and no other.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lorid_data.errors import ConfigError, InputError
from lorid_data.schema import Problem, make_problem
from lorid_data.texts import strict_json

NAME = "champ"
KINDS = ("concepts", "hints")
"""Kinds of knowledge, in the order in which a row lists them."""
FLAGS = {"concepts": "holds_concepts", "hints": "holds_hints"}
SPLIT, LICENCE, PACKAGE = "test", "MIT", "champ-dataset==1.0.0"
_FILE = Path("dataset_files") / "v0.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Text(_Part):
    text: str = Field(alias="_text")


class _Solution(_Part):
    steps: tuple[_Text, ...]


class _Problem(_Part):
    text: str = Field(alias="_text")
    category: str
    solution: _Solution
    answer: str = Field(alias="_answer")
    ch_list: tuple[str, ...]


class _Champ(_Part):
    problems: dict[str, _Problem]
    concepts: dict[str, _Text]
    hints: dict[str, _Text]


def load(
    split: str, *, kind: str | None = None, source_path: str | None = None
) -> tuple[list[Problem], list[str]]:
    """All problems, in the source's order, and warnings.

    Args:
        split: test.
        kind: concepts or hints; both by default.
        source_path: the file `v0.json`, or a folder that holds it (the package's); by default that
            of the installed package.

    Raises:
        ConfigError: no such split or kind.
        InputError: there is no such file, or it is not CHAMP's.
    """
    if split != SPLIT:
        raise ConfigError(f"source 'champ' has no split {split!r}; name --split {SPLIT}, which is all of it")  # fmt: skip
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"source 'champ:{kind}': no such kind of knowledge; it has {' and '.join(KINDS)}")  # fmt: skip
    path = _path(source_path)
    try:
        champ = _Champ.model_validate(strict_json.parse(path.read_bytes()))
    except (OSError, ValueError, RecursionError) as e:
        raise InputError(f"{path}: not the file of CHAMP ({_said(e)}); it is {_FILE} of {PACKAGE}") from e  # fmt: skip
    return [_problem(path, champ, name, kind) for name in champ.problems], []


def _said(error: Exception) -> str:
    """What is wrong with the file, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return " ".join(str(error).split())[:200]


def _path(source_path: str | None) -> Path:
    spec = find_spec("champ_dataset") if source_path is None else None
    if source_path is None and (spec is None or not spec.submodule_search_locations):
        raise InputError(f"source 'champ': its package is not installed; `pip install --no-deps {PACKAGE}`, or name its file with --source-path")  # fmt: skip
    places = spec.submodule_search_locations if spec else None
    root = Path(source_path) if source_path is not None else Path(next(iter(places or ())))
    if root.is_file():
        return root
    tried = (root / _FILE, root / _FILE.name, root / "champ_dataset" / _FILE)
    found = next((p for p in tried if p.is_file()), None)
    if found is None:
        raise InputError(f"{root}: holds no {_FILE.name} of CHAMP; name that file, or the folder of {PACKAGE}")  # fmt: skip
    return found


def _problem(path: Path, champ: _Champ, name: str, kind: str | None) -> Problem:
    p = champ.problems[name]
    unknown = [i for i in p.ch_list if i not in champ.concepts and i not in champ.hints]
    if unknown:
        raise InputError(f"{path}: problem {name!r} names {unknown[0]!r}, which is neither a concept nor a hint of the file")  # fmt: skip
    rules = {
        "concepts": [champ.concepts[i].text for i in p.ch_list if i in champ.concepts],
        "hints": [champ.hints[i].text for i in p.ch_list if i in champ.hints],
    }
    kinds = [k for k in KINDS if kind in (None, k) and rules[k]]
    answer, *accepted = answers_of(p.answer)
    return make_problem(
        source=NAME if kind is None else f"{NAME}:{kind}",
        split=SPLIT,
        question=p.text,
        rationale="\n".join(step.text for step in p.solution.steps),
        answer=answer,
        subject=p.category,
        licence=LICENCE,
        knowledge=[rule for k in kinds for rule in rules[k]],
        accepted=accepted,
        flags=[FLAGS[k] for k in kinds],
    )


# --- answers --------------------------------------------------------------------------------------

_EITHER = re.compile(r"(.+?), or (?:equivalently|an equivalent form such as) (.+)")
_GLOSS = re.compile(r"(.+?)(?: \((?:i\.e\., |none |no ).*\)|, or approximately .+)")
_SENTENCE = re.compile(
    r"(?P<a>\S+) is the only possible value|The only possible value for the limit is (?P<b>.+)"
    r"|The limit exists and is equal to (?P<c>.+)|At (?:most|least) (?P<d>\d+) [-a-z ]+|(?P<e>n) times"
)


def answers_of(text: str) -> tuple[str, ...]:
    """The answers of CHAMP's own wording, each right by itself; at least one.

    "A, or equivalently B" is two; what explains an answer ("(i.e., all values)", "or approximately
    35.7%") is none; "3 is the only possible value" and "The limit exists and is equal to 3" are 3.
    Any other wording is one answer, as it stands.
    """
    if m := _EITHER.fullmatch(text):
        return tuple(m.groups())
    m = _GLOSS.fullmatch(text)
    stated = m[1] if m else text
    said = _SENTENCE.fullmatch(stated)
    return (next(v for v in said.groupdict().values() if v) if said else stated,)
