"""Bits flipped, lines edited and files lost in finished folders: noticed by whoever reads them."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from lorid_data.audit.result import read_audit
from lorid_data.cli.app import main
from lorid_data.errors import InputError, LoridError
from lorid_data.folders import verified
from lorid_data.folders.flags import audit_flags
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import CONFIG, MANIFEST, RECORDS, REJECTS
from lorid_data.folders.records import iter_records, read_records
from lorid_data.folders.seals import sealed, unsealed
from lorid_data.publish import gates

N_ROWS = 40


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A validated table, some of whose rows were rejected, audited."""
    root = tmp_path_factory.mktemp("finished")
    rows = [
        {"question": f"What is {i} + 1?", "rationale": f"{i} + 1 = {i + 1}", "answer": str(i + 1 if i % 8 else 0), "knowledge": ["Add one."]}
        for i in range(N_ROWS)
    ]  # fmt: skip
    (root / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert main(["import", str(root / "t.jsonl"), "--out", str(root / "in")]) == 0
    assert main(["validate", str(root / "in"), "--out", str(root / "ok")]) == 0
    assert main(["audit", str(root / "ok")]) in (0, 1)
    return root


def flipped(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


READERS = {
    RECORDS: lambda f: read_records(f),
    REJECTS: lambda f: main(["view", str(f), "--out", str(f.parent / "v.html")]),
    MANIFEST: lambda f: read_records(f),
    CONFIG: lambda f: main(["validate", str(f.parent / "in"), "--out", str(f)]),
    "audit.json": lambda f: [read_audit(f), gates.read_audit(f), audit_flags(f, "0" * 64, ())],
}  # fmt: skip


def content(path: Path) -> object:
    """What is read of a file: damage to white space or to the spelling of a name in JSON is none."""
    return json.loads(path.read_bytes()) if path.suffix == ".json" else path.read_bytes()


@pytest.mark.parametrize("name", READERS)
def test_a_flipped_bit_is_noticed(finished: Path, tmp_path: Path, name: str, n_flips: int) -> None:
    assert READERS[name](Path(shutil.copytree(finished, tmp_path / "whole")) / "ok") not in (1, 2)
    rng = random.Random(name)
    missed = []
    for i in range(n_flips):
        root = tmp_path / str(i)
        shutil.copytree(finished, root)
        path = root / "ok" / name
        flipped(path, rng)
        try:
            if content(path) == content(finished / "ok" / name):
                continue  # nothing changed for a reader
        except ValueError:
            pass
        try:
            if READERS[name](root / "ok") not in (1, 2):
                missed.append(i)
        except LoridError:
            pass
        finally:
            shutil.rmtree(root)
    assert missed == []


@pytest.mark.parametrize("read", [read_records, lambda f: list(iter_records(f))])
def test_edited_rows_are_not_read(finished: Path, tmp_path: Path, read: object) -> None:
    import polars as pl

    folder = Path(shutil.copytree(finished / "ok", tmp_path / "ok"))
    frame = pl.read_parquet(folder / RECORDS)
    frame.with_columns(answer=pl.lit("42")).write_parquet(folder / RECORDS)
    with pytest.raises(InputError, match=r"records\.parquet has changed since"):
        read(folder)  # type: ignore[operator]


@pytest.mark.parametrize("name", [RECORDS, REJECTS])
def test_done_is_said_of_whole_folders_only(
    finished: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(shutil.copytree(finished, tmp_path / "r"))
    again = ["validate", str(root / "in"), "--out", str(root / "ok")]
    assert main(again) == 0
    (root / "ok" / name).unlink()
    capsys.readouterr()
    assert main(again) == 2
    assert f"{name} is missing" in capsys.readouterr().err
    (root / "ok" / MANIFEST).unlink()  # what the message says
    assert main(again) == 0


def test_the_second_read_does_not_hash_again(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(finished / "ok", tmp_path / "ok"))
    hashed: list[str] = []
    whole = verified.sha256_file
    monkeypatch.setattr(verified, "sha256_file", lambda p: (hashed.append(p.name), whole(p))[1])
    monkeypatch.setattr(verified, "_SETTLED_NS", -1)
    for _ in range(3):
        read_records(folder)
    assert hashed == [RECORDS]
    (folder / RECORDS).write_bytes((folder / RECORDS).read_bytes())  # other times: hashed again
    read_records(folder)
    assert hashed == [RECORDS] * 2


def test_a_file_that_just_changed_is_hashed_each_time(finished: Path, tmp_path: Path) -> None:
    """Its times may be those of the next change, too."""
    folder = Path(shutil.copytree(finished / "ok", tmp_path / "ok"))
    (folder / RECORDS).touch()
    read_records(folder)
    assert not (folder / verified.SEEN).exists()


@pytest.mark.parametrize("seen", ["", "{", "[]", '{"records.parquet": 1}', '{"records.parquet": [1,2,3,4,5]}', "[" * 9999])  # fmt: skip
def test_a_damaged_note_of_what_was_verified_is_not_believed(
    finished: Path, tmp_path: Path, seen: str
) -> None:
    folder = Path(shutil.copytree(finished / "ok", tmp_path / "ok"))
    (folder / verified.SEEN).write_text(seen)
    assert len(read_records(folder)) == read_manifest(folder).n_kept


def test_a_folder_that_cannot_be_written_to_is_read(finished: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished / "ok", tmp_path / "ok"))
    folder.chmod(0o555)
    try:
        assert read_records(folder)
    finally:
        folder.chmod(0o755)


def test_a_seal_fits_its_content_only() -> None:
    body = {"a": 1, "b": [1.5, None, "ü"]}
    text = json.dumps(sealed(body)).encode()
    assert unsealed(text) == body
    assert unsealed(json.dumps(body).encode()) == body  # from before there were seals
    for bad in (text.replace(b"1.5", b"1.6"), text.replace(b'"a"', b'"b"'), b"[]", b"", text[:-1], b'{"a": 1, "a": 2}'):  # fmt: skip
        with pytest.raises(ValueError, match=r"\w"):
            unsealed(bad)
