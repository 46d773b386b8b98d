"""Dataset folders on another filesystem: brought whole, checked, sent with the manifest last."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import fsspec
import pytest

from lorid_data.distributed.places import Sender, bring, check_writable, is_finished
from lorid_data.errors import InputError, StageError
from lorid_data.folders.records import read_records


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"memory://{tmp_path.name}/folder"


def test_a_folder_comes_back_as_it_was_sent(small_dataset: Path, tmp_path: Path, url: str) -> None:
    assert not is_finished(url)
    Sender().send(small_dataset, url)
    assert is_finished(url)
    here = bring(url, tmp_path / "here")
    assert read_records(here) == read_records(small_dataset)
    assert (here / "manifest.json").read_bytes() == (small_dataset / "manifest.json").read_bytes()


def test_the_manifest_is_sent_last_and_nothing_twice(
    small_dataset: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    fs = fsspec.filesystem("memory")
    put = fs.put_file
    monkeypatch.setattr(
        type(fs), "put_file", lambda _, a, b: (sent.append(Path(b).name), put(a, b))
    )
    sender = Sender()
    sender.send(small_dataset, url)
    assert sent[-1] == "manifest.json"
    assert ".lock" not in sent
    n = len(sent)
    sender.send(small_dataset, url)
    assert len(sent) == n


def test_a_folder_that_is_not_what_its_manifest_says_is_refused(
    small_dataset: Path, tmp_path: Path, url: str
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(small_dataset, changed)
    (changed / "records.parquet").write_bytes(b"other")
    Sender().send(changed, url)
    with pytest.raises(InputError, match=r"records\.parquet has changed"):
        bring(url, tmp_path / "here")
    with pytest.raises(InputError, match="no finished dataset folder"):
        bring(f"{url}-none", tmp_path / "here2")


def test_a_name_that_leads_out_of_the_folder_is_refused(
    small_dataset: Path, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Sender().send(small_dataset, url)
    fs = fsspec.filesystem("memory")
    root = url.removeprefix("memory:/")
    monkeypatch.setattr(type(fs), "find", lambda *_: [f"{root}/../../x"])
    with pytest.raises(InputError, match="which no dataset folder has"):
        bring(url, tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_a_place_that_cannot_be_reached_is_said_without_a_key(
    small_dataset: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "averysecretvalue")

    def refuse(*_: Any) -> None:
        raise PermissionError("denied for averysecretvalue")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "put_file", refuse)
    with pytest.raises(StageError, match=r"cannot be reached \(denied for \[secret\]\)"):
        Sender().send(small_dataset, url)


def test_a_place_that_refuses_is_found_out_before_there_is_anything_to_send(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_writable(url)
    assert not fsspec.filesystem("memory").find(url)  # nothing is left there

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError("denied")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "pipe_file", refuse)
    with pytest.raises(StageError, match="cannot be reached"):
        check_writable(url)


def test_a_place_that_cannot_be_reached_is_no_place_without_a_folder(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "info", unreachable)
    with pytest.raises(StageError, match="no route"):
        is_finished(url)
