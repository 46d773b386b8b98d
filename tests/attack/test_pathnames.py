"""An address, a `~`, an empty text where a path belongs: refused in a sentence, and nothing of that name is made.

And names that libraries would read as patterns are names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from cyclopts import App

from lorid_data.cli.app import app as data_app
from lorid_data.commandline.program import run
from lorid_data.dedup.stage import DedupOptions, dedup
from lorid_data.errors import ConfigError
from lorid_data.folders.files import atomic_folder, atomic_path
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_frame
from lorid_data.folders.stage import open_stage
from lorid_data.texts.pathnames import not_a_path
from lorid_data.validate.stage import validate
from lorid_train.cli import app as train_app

SAID = "is an address, and a path of this machine belongs here"


def paths_of(app: App, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of a command line that gives one path to one command, for every command and path."""
    for name in app:
        if name.startswith("-"):
            continue
        sub, words = app[name], (*above, name)
        if sub.default_command is None:
            yield from paths_of(sub, words)
            continue
        for argument in sub.assemble_argument_collection():
            if "Path" in str(argument.hint):
                yield (*words, *(n for n in argument.names[:1] if n.startswith("--")))


EVERY = [(app, words) for app in (data_app, train_app) for words in paths_of(app)]


def test_there_are_many() -> None:
    assert len(EVERY) > 60


@pytest.mark.parametrize(("app", "words"), EVERY, ids=lambda x: " ".join(x) if isinstance(x, tuple) else x.name[0])  # fmt: skip
@pytest.mark.parametrize(("given", "said"), [
    ("s3://bucket/x", f"s3://bucket/x: {SAID}"), ("hf://datasets/me/x", f"hf://datasets/me/x: {SAID}"),
    ("~/x", "~/x: a leading ~ is a home folder to shells alone"), ("", "a path is empty"), ("caf\udce9", "not UTF-8"),
])  # fmt: skip
def test_no_command_takes_for_a_path_what_is_none(
    app: App, words: tuple[str, ...], given: str, said: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(app, [*words, given]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_nor_does_python(
    small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for where in (Path("gs://bucket/x"), Path("~/x"), Path("caf\udce9")):
        _refused_everywhere(small_dataset, where)
    assert not list(tmp_path.iterdir())


def _refused_everywhere(small_dataset: Path, where: Path) -> None:
    said = str(not_a_path(where)).partition(": ")[2][:20]
    with pytest.raises(ConfigError, match=re.escape(said)):
        validate(small_dataset, where)
    with pytest.raises(ConfigError, match=re.escape(said)):
        validate(where, Path("out"))
    with pytest.raises(ConfigError, match=re.escape(said)), atomic_path(where):
        pass
    with pytest.raises(ConfigError, match=re.escape(said)), atomic_folder(where):
        pass
    with pytest.raises(ConfigError, match=re.escape(said)), open_stage(where, "build", identity={}):
        pass
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_manifest(where)


@pytest.mark.parametrize(
    "path",
    [
        "a:b/c",
        "./s3:/x",
        "c:/x",
        "runs/http:/x",
        "9a://x",
        "s3:x",
        "s3",
        "~nobody-of-this-name/x",
        "a~/b",
        "é",
    ],
)
def test_a_path_that_looks_a_little_like_one_is_a_path(path: str) -> None:
    assert not_a_path(path) is None


def test_a_name_like_a_pattern_is_a_name(
    small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Polars reads every folder that fits `a?b`, and none that fits `a[1]`."""
    monkeypatch.chdir(tmp_path)
    names = ["plain", "axb", "a?b", "a*b", "a[1]", "a:b", "a%20b", "{a}"]
    for name in names:
        copytree(small_dataset, Path(name))
    found = [read_frame(Path(name) / RECORDS).height for name in names]
    assert found == [found[0]] * len(names)
    for name in names:
        assert validate(Path(name), Path(name) / "ok").n_in == found[0]
        assert dedup(Path(name) / "ok", Path(name) / "once").n_in
        kept = dedup(
            Path(name) / "ok", Path(name) / "once", DedupOptions(threshold=0.95)
        )  # its pairs, stored
        assert kept.n_in
