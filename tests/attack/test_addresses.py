"""An address such as `s3://bucket/x` where a path belongs: refused in a sentence, and nothing of that name is made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from lorid_data.cli.app import app as data_app
from lorid_data.commandline.program import run
from lorid_data.errors import ConfigError
from lorid_data.folders.files import atomic_folder, atomic_path
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.stage import open_stage
from lorid_data.texts.addresses import not_a_path
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
@pytest.mark.parametrize("address", ["s3://bucket/x", "hf://datasets/me/x"])
def test_no_command_takes_an_address_for_a_path(
    app: App, words: tuple[str, ...], address: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(app, [*words, address]) == 2
    assert f"{address}: {SAID}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_nor_does_python(
    small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    where = Path("gs://bucket/x")
    with pytest.raises(ConfigError, match=SAID):
        validate(small_dataset, where)
    with pytest.raises(ConfigError, match=SAID):
        validate(where, Path("out"))
    with pytest.raises(ConfigError, match=SAID), atomic_path(where):
        pass
    with pytest.raises(ConfigError, match=SAID), atomic_folder(where):
        pass
    with pytest.raises(ConfigError, match=SAID), open_stage(where, "build", identity={}):
        pass
    with pytest.raises(ConfigError, match=SAID):
        read_manifest(where)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "path", ["a:b/c", "./s3:/x", "c:/x", "runs/http:/x", "9a://x", "s3:x", "", "s3"]
)
def test_a_path_that_looks_a_little_like_one_is_a_path(path: str) -> None:
    assert not_a_path(path) is None
