"""A file that a person names for output costs nothing that was there: it is refused before the work."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from lorid_data.cli.app import main
from lorid_data.commandline.program import run
from lorid_data.errors import ConfigError
from lorid_data.folders.names import MANIFEST, RECORDS
from lorid_data.folders.outputs import PAGE, check_output
from lorid_train.cli import app as train


def refused(words: list[str], capsys: pytest.CaptureFixture[str], program: str = "data") -> str:
    assert (main(words) if program == "data" else run(train, words)) == 2
    return capsys.readouterr().err


def test_a_page_replaces_a_page_and_nothing_else(
    small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert main(["view", str(small_dataset), "--out", str(page)]) == 0
    assert main(["view", str(small_dataset), "--out", str(page)]) == 0
    table, link, fifo = tmp_path / "t.jsonl", tmp_path / "link.html", tmp_path / "fifo"
    table.write_text('{"question": "?"}\n')
    link.symlink_to(page)
    os.mkfifo(fifo)
    for out, said in (
        (table, "something else, which would be lost"), (link, "no regular file"), (fifo, "no regular file"),
        (tmp_path, "is a folder"), (tmp_path / "none" / "p.html", "lies in no folder that exists"),
        (small_dataset / MANIFEST, "a file of the finished folder"), (small_dataset / RECORDS, "a file of the finished folder"),
    ):  # fmt: skip
        before = out.read_bytes() if out.is_file() else None
        assert said in refused(["view", str(small_dataset), "--out", str(out)], capsys)
        assert (out.read_bytes() if out.is_file() else None) == before
    assert link.is_symlink()
    assert page.read_bytes()[:15] == b"<!doctype html>"


def test_what_is_trained_is_refused_before_it_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    """No evaluation is there at all: the file is looked at first."""
    none = str(tmp_path / "no-evaluation")
    mine = tmp_path / "mine.json"
    mine.write_text('{"learning_rate": 1}')
    (tmp_path / "r.md").write_text("# My notes\n")
    (tmp_path / "s.json").write_text('{"rows": []}')
    pl.DataFrame({"question": ["?"]}).write_parquet(tmp_path / "mine.parquet")
    for words, said in (
        (["report", none, "--out", str(tmp_path / "r.html")], "r.md': is there, and is something else"),
        (["report", none, "--out", str(tmp_path / "s.html")], "s.json': is there, and is something else"),
        (["report", none, "--out", str(tmp_path / "x.md")], "goes beside the page"),
        (["report", none, "--out", str(tmp_path / "none" / "x.html")], "lies in no folder that exists"),
        (["fit-rule", none, "--out", str(mine)], "is there, and is something else"),
        (["fit-rule", none, "--out", str(tmp_path / "none" / "x.json")], "lies in no folder that exists"),
        (["fit-votes", none, "--out", str(mine)], "is there, and is something else"),
        (["export-log", none, "--out", str(tmp_path / "mine.parquet")], "is another table"),
    ):  # fmt: skip
        assert said in refused(words, capsys, "train")
    refused(["export-log", none, "--out", str(tmp_path / "new" / "log.parquet")], capsys, "train")
    assert not (tmp_path / "new").exists()
    assert mine.read_text() == '{"learning_rate": 1}'
    assert pl.read_parquet(tmp_path / "mine.parquet").height == 1


def test_a_file_of_that_beginning_may_be_written_over(tmp_path: Path) -> None:
    page = tmp_path / "p.html"
    page.write_text("\n <!DOCTYPE  HTML>")
    check_output(page, PAGE, "an HTML file")
    page.write_text("")  # as mktemp leaves it
    check_output(page, PAGE, "an HTML file")
    page.write_text(" ")
    with pytest.raises(ConfigError):
        check_output(page, PAGE, "an HTML file")
