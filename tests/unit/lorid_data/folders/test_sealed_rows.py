"""A sealed file of many rows: the bytes and the seal of one written whole, read a row at a time, and never fooled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.folders import sealed_rows
from lorid_data.folders.sealed_rows import read_sealed_rows, write_sealed_rows
from lorid_data.folders.seals import sealed, unsealed

ODD = ['"', "\\", "\n", "\u2028", "é", "😀", ' "rows": {', "  ],", "\x00", "", "}\n", "a" * 9]
BODY: dict[str, Any] = {
    "schema": 1, "rows": None, "é": [1, {"x": [], "y": {}}], "z": 0.1, "rowsx": ODD, "a": None,
}  # fmt: skip


def rows(n: int) -> dict[str, Any]:
    keys = [f"{odd}{i}" for i in range(n) for odd in ODD][:n] if n else []
    return {k: [{"check": k, "n": None, "said": k * 2}] * (i % 3) for i, k in enumerate(keys)}


def whole(body: dict[str, Any]) -> str:
    return json.dumps(sealed(body), indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("n", [0, 1, 2, 50])
@pytest.mark.parametrize("place", [0, 3, 5])
def test_it_is_what_would_be_written_whole(tmp_path: Path, n: int, place: int) -> None:
    path, given = tmp_path / "a.json", rows(n)
    names = [k for k in BODY if k != "rows"]
    names.insert(place, "rows")
    body = {k: given if k == "rows" else BODY[k] for k in names}
    write_sealed_rows(path, body, "rows", iter(given.items()))
    assert path.read_text(encoding="utf-8") == whole(body)
    head, again = read_sealed_rows(path, "rows")
    assert dict(again()) == dict(again()) == given
    assert {**head, "rows": given} == unsealed(path.read_bytes()) == body


def test_its_own_layout_is_never_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    path = tmp_path / "a.json"
    write_sealed_rows(path, BODY, "rows", rows(20).items())
    monkeypatch.setattr(sealed_rows, "unsealed", None)
    assert dict(read_sealed_rows(path, "rows")[1]()) == rows(20)


@pytest.mark.parametrize("indent", [None, 0, 2, 4])
def test_another_layout_is_read_whole(tmp_path: Path, indent: int | None) -> None:
    path, given = tmp_path / "a.json", rows(20)
    path.write_text(json.dumps(sealed({**BODY, "rows": given}), indent=indent), encoding="utf-8")
    head, again = read_sealed_rows(path, "rows")
    assert dict(again()) == given
    assert head == {k: v for k, v in BODY.items() if k != "rows"}


def test_every_flipped_bit_is_noticed_as_when_it_is_read_whole(tmp_path: Path) -> None:
    path, given = tmp_path / "a.json", rows(7)
    write_sealed_rows(path, BODY, "rows", given.items())
    data = path.read_bytes()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << (at % 8)
        path.write_bytes(damaged)
        try:
            expected: Any = unsealed(bytes(damaged))
        except ValueError:
            expected = None
        try:
            head, again = read_sealed_rows(path, "rows")
            found: Any = {**head, "rows": dict(again())} if "rows" in (expected or {}) else head
        except ValueError:
            found = None
        assert found == expected, (at, bytes(damaged[max(0, at - 20) : at + 20]))


@pytest.mark.parametrize(
    "text",
    [
        '{\n "rows": {\n  "a": [],\n  "a": []\n }\n}\n',
        '{\n "x": 1,\n "x": 1,\n "rows": {}\n}\n',
        '{\n "rows": {\n  "a": []\n },\n "rows": {\n  "b": []\n }\n}\n',
        '{\n "rows": {\n  "a": []\n }\n "x": 1\n}\n',
        '{\n "rows": {\n  "a": []\n },\n}\n',
        '{\n "x": 1\n "rows": {}\n}\n',
        '{\n "rows": {\n  "a": []\n  "b": []\n }\n}\n',
        '{\n "rows": {\n  "a": [],\n }\n}\n',
        '{\n "rows": {\n  "a": []\n }\n}\n}\n',
        '{\n "rows": {\n  "a": []\n }\n',
        '{\n "rows": []\n}\n',
        "{\n}",
        "",
        "[" * 100_000,
    ],
)
def test_what_is_no_json_or_says_a_thing_twice_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    if text == "{\n}":
        assert read_sealed_rows(path, "rows")[0] == {}
        return
    with pytest.raises(ValueError, match=r"."):
        read_sealed_rows(path, "rows")


def test_a_key_that_stands_twice_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="twice"):
        write_sealed_rows(tmp_path / "a.json", BODY, "rows", [("a", 1), ("b", 2), ("a", 3)])
    assert not list(tmp_path.iterdir())
