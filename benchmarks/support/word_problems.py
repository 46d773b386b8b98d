"""The word problems of LLM-Adapters and SVAMP as tables that `lorid-data` reads.

The training file and the test sets are JSON arrays with the columns `instruction`, `input`,
`output` and `answer`. A rationale begins with "A: " there and a whole number ends in ".0"; both
are taken off. Of the test sets no rationale is read: it is a model's, and often wrong.
"""

from __future__ import annotations

import hashlib
import json
import re
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ADAPTERS = "AGI-Edgerunners/LLM-Adapters"
TRAIN = f"{ADAPTERS}/ft-training_set/math_data.json"
TESTS = ("SVAMP", "MultiArith", "AddSub", "SingleEq")
AUTHORS = "arkilpatel/SVAMP/SVAMP.json"
_TEST = ADAPTERS + "/dataset/{}/test.json"
_SHA256 = {
    TRAIN: "1d06633b4db748b7cfa38f2891f8d7b17b3636717b3188dd382045b94cf999a7",
    _TEST.format("AQuA"): "de677f5f0139340009eb01f17c0db781b4161912cd1f4efa77292f2fcf3478ee",
    _TEST.format("AddSub"): "62a8662b1ad40879953c4df0e61883a749d03aa3fc5e71f1cdb842b816e139ff",
    _TEST.format("MultiArith"): "a40f426807c8a563802c2a5b66bda3bcd1eba9c099038fd1199f0dd57de5fd28",
    _TEST.format("SVAMP"): "ffed015784f738f317c5603177861d044c4fc94e09211d78b25e96d46c656e2c",
    _TEST.format("SingleEq"): "712b15edb851c97aab42a5de106d94008f94d917366c92537ed5400a8aacb207",
    AUTHORS: "5be77703a6d891ae476d7c082787ad361392aa02453b132516cdd5f4e7934e3e",
}
_COMMITS = {ADAPTERS: "8166572", "arkilpatel/SVAMP": "main"}
_SITE = "https://raw.githubusercontent.com"
_WHOLE = re.compile(r"(-?\d+)\.0+")
_START = re.compile(r"\A\s*(?:A|Rationale): ?")
_MOST_STEPS = 3


def fetch(data: Path | None, cache: Path) -> dict[str, Path]:
    """Where each file lies: below `data`, else in `cache`, fetched and held against its sha256.

    Args:
        data: a folder laid out as `LORID_TEST_DATA`; None asks the network.
        cache: where fetched files are kept.

    Raises:
        SystemExit: in one sentence: a file is neither here nor can be had, or is another one.
    """
    return {name: _one(name, sha256, data, cache) for name, sha256 in _SHA256.items()}


def _one(name: str, sha256: str, data: Path | None, cache: Path) -> Path:
    at = (data or cache) / name
    if data is None and not at.is_file():
        repository = next(r for r in _COMMITS if name.startswith(r))
        url = f"{_SITE}/{repository}/{_COMMITS[repository]}{name.removeprefix(repository)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as reply:  # noqa: S310  (an https address from above)
                body = reply.read()
        except OSError as e:
            raise SystemExit(
                f"{name} is missing: LORID_TEST_DATA names no folder with it, and {url} cannot be "
                f"fetched ({e}); set LORID_TEST_DATA, or run this with a network"
            ) from None
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(body)
    if not at.is_file():
        raise SystemExit(f"{at} is missing; LORID_TEST_DATA must name a folder that holds {name}")
    if (found := hashlib.sha256(at.read_bytes()).hexdigest()) != sha256:
        raise SystemExit(f"{at}: another file than the one this was written for (sha256 {found})")
    return at


def write_tables(files: Mapping[str, Path], out: Path) -> dict[str, Path]:
    """Write `train.jsonl` and `test.jsonl`, and one table for each whole test set.

    A row of `test` has as subject its set (of SVAMP with its Type), and as level its number of
    steps: operations of SVAMP's equation, equations of the stored rationale elsewhere.
    """
    out.mkdir(parents=True, exist_ok=True)
    made = {"train": _write(out / "train.jsonl", map(_train_row, _read(files[TRAIN])))}
    types = {_key(r["Body"] + r["Question"]): r for r in _read(files[AUTHORS])}
    tests = {name: _read(files[_TEST.format(name)]) for name in (*TESTS, "AQuA")}
    rows = [_test_row(name, row, types) for name in TESTS for row in tests[name]]
    made["test"] = _write(out / "test.jsonl", rows)
    for name, some in tests.items():
        plain = ({"question": r["instruction"], "answer": _answer(r)} for r in some)
        made[name] = _write(out / f"{name}.jsonl", plain)
    return made


def _read(path: Path) -> list[dict[str, Any]]:
    body: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return body


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return path


def _train_row(row: Mapping[str, Any]) -> dict[str, Any]:
    rationale = _START.sub("", row["output"])
    return {"question": row["instruction"], "rationale": rationale, "answer": _answer(row)}


def _test_row(
    name: str, row: Mapping[str, Any], types: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    subject, n_steps = name, row["output"].count("=")
    if name == "SVAMP":
        known = types[_key(row["instruction"])]
        subject = f"SVAMP {known['Type'].replace('Divison', 'Division')}"
        n_steps = len(re.findall(r" [-+*/] ", known["Equation"]))
    steps = f"{_MOST_STEPS}+" if n_steps >= _MOST_STEPS else str(n_steps)
    level = f"{steps} step{'' if n_steps == 1 else 's'}" if n_steps else ""
    return {"question": row["instruction"], "answer": _answer(row), "subject": subject, "level": level}  # fmt: skip


def _answer(row: Mapping[str, Any]) -> str:
    text = str(row["answer"])
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _key(text: str) -> str:
    """A question without what the copies of SVAMP write differently."""
    return re.sub(r"\W+", "", text.lower())
