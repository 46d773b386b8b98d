"""What a `--config` file says reaches its option, for every option of every command of both programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from cyclopts import App
from cyclopts.argument import ArgumentCollection

from lorid_data.cli.app import app as data_app
from lorid_data.commandline.options import Options
from lorid_data.errors import ConfigError
from lorid_train.cli import app as train_app


def commands_of(app: App, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in app:
        if not name.startswith("-"):
            words = (*above, name)
            yield from commands_of(app[name], words) if app[name].default_command is None else [words]  # fmt: skip


EVERY = [(app, words) for app in (data_app, train_app) for words in commands_of(app)]
OWN = [("run",), ("sft",), ("rl",), ("rounds",)]
"""Commands whose own argument is a configuration."""


class _Seen(Exception):  # noqa: N818  (ends the reading, it is no error)
    pass


def given(app: App, words: tuple[str, ...], body: dict[str, Any], file: Path) -> dict[str, list[str]]:  # fmt: skip
    """The raw values that each option gets from a file, by its key."""
    file.write_text(yaml.safe_dump(body))
    found: dict[str, list[str]] = {}

    def look(here: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        with suppress(ConfigError):  # the command's other arguments are missing
            Options(file)(here, commands, arguments)
        for a in arguments:
            if a.name.startswith("--"):
                found[str(a.field_info.name).replace("-", "_")] = [t.value for t in a.tokens]
        raise _Seen

    before, app.config = app.config, (look,)
    try:
        with pytest.raises(_Seen):
            app.parse_args(list(words), exit_on_error=False, print_error=False)
    finally:
        app.config = before
    return found


@pytest.mark.parametrize(("app", "words"), EVERY, ids=lambda x: " ".join(x) if isinstance(x, tuple) else x.name[0])  # fmt: skip
def test_every_option_gets_what_a_file_says(app: App, words: tuple[str, ...], tmp_path: Path) -> None:  # fmt: skip
    if words in OWN:  # or the file would be taken for it
        words = (*words, "own.yaml")
    options = sorted(given(app, words, {}, tmp_path / "empty.yaml"))
    lost = [name for name in options if not given(app, words, {name: "3"}, tmp_path / "c.yaml")[name]]  # fmt: skip
    assert not lost
