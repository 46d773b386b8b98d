"""An application of commands, and how it is run: arguments in, exit status out.

An expected error is never a traceback. Nothing here knows a stage.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lorid_data.commandline.failures import EXIT_FAILED, EXIT_OK, EXIT_USAGE, complain, status_of
from lorid_data.commandline.options import Options, take_config
from lorid_data.commandline.output import guarded
from lorid_data.commandline.result import take_json, wanting_json
from lorid_data.commandline.waiting import take_wait, waiting
from lorid_data.errors import ConfigError
from lorid_data.texts.secrets import holds_secret, holds_userinfo

if TYPE_CHECKING:
    from cyclopts import App

_ADDRESSES = ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "HF_ENDPOINT")
"""Variables by which requests, and the secrets in their headers, are sent elsewhere."""


def make_app(name: str, summary: str) -> App:
    """An empty cyclopts application; commands are added with `@app.command`.

    Each command's function returns None or its exit status.
    """
    from cyclopts import App

    return App(
        name=name,
        help=summary,
        help_epilogue="Every option can also stand in a YAML file given by --config FILE; the command line wins. "
        "--json prints the result as one JSON object. "
        "--wait waits for a network where the Hub is needed, instead of failing at once.",
        help_format="plaintext",  # a Markdown reader would cost a fifth of the time of --help
        version=_version,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lorid")
    except PackageNotFoundError:
        return "not installed (run from a checkout)"


def run(app: App, argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status; never a traceback for an expected error.

    Args:
        app: the application, see `make_app`.
        argv: the arguments without the program's name; `sys.argv[1:]` by default.

    Returns:
        0 done, 1 failed (or the disk is full), 2 wrong usage or configuration, 130 interrupted.
    """
    with guarded():
        return _run(app, list(sys.argv[1:] if argv is None else argv))


def _refuse_secrets_in_addresses() -> None:
    """An address is part of what a folder is: it is stored, shown and published."""
    named = [n for n in _ADDRESSES if holds_userinfo(os.environ.get(n, ""))]
    if named:
        raise ConfigError(
            *(
                f"{n}: holds a user or a password; leave them out, a key has a variable of its own"
                for n in named
            )
        )


def _refuse_secrets_in_arguments(argv: list[str]) -> None:
    """What is asked for is stored with the result."""
    if any(holds_secret(a) for a in argv):
        raise ConfigError(
            "an argument holds a secret that the environment has, too; secrets are read from the environment only"
        )


def _run(app: App, argv: list[str]) -> int:
    from cyclopts.exceptions import CycloptsError

    try:
        _refuse_secrets_in_addresses()
        _refuse_secrets_in_arguments(argv)
        rest, file = take_config(argv)
        rest, asked = take_wait(rest)
        app.config = (Options(file),)
        rest, as_json = take_json(app, rest)
        with waiting(asked=asked), wanting_json(asked=as_json):
            result = app(rest, exit_on_error=False, print_error=False)
        return int(result or EXIT_OK)
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else EXIT_OK if e.code is None else EXIT_FAILED
    except CycloptsError as e:
        return complain(str(e), EXIT_USAGE)
    except BrokenPipeError:
        # The reader of our output has gone (`… | head`): nothing to tell, and nobody to tell it.
        sys.stdout = None
        return EXIT_FAILED
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as e:  # noqa: BLE001  (raised again unless expected)
        return status_of(e)
