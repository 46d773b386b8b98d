"""What both commands share: exit status, `--config FILE`, and progress on stderr.

`run` turns what a command raises into one message and an exit status. It knows nothing of stages.
"""

from __future__ import annotations

import errno
import re
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.errors import ConfigError, LoridError, unknown_key
from lorid_data.progress import Progress

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.argument import Argument, ArgumentCollection

__all__ = ["Progress", "disk_is_full", "make_app", "read_yaml", "run", "secrets_in"]

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

_SECRET_KEY = re.compile(
    r"(?:^|_)(?:api_?key|key|token|secret|password|authorization)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"^(?:sk-|hf_|Bearer )\S{8,}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_TEXT = ("no space left on device", "database or disk is full", "file too large", "disk quota")


def make_app(name: str, summary: str) -> App:
    """An empty cyclopts application; commands are added with `@app.command`.

    Each command's function returns None or its exit status.
    """
    from cyclopts import App

    return App(
        name=name,
        help=summary,
        help_epilogue="Every option can also stand in a YAML file given by --config FILE; the command line wins.",
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
    from cyclopts.exceptions import CycloptsError

    try:
        rest, file = _take_config(list(sys.argv[1:] if argv is None else argv))
        app.config = (_Options(file),)
        result = app(rest, exit_on_error=False, print_error=False)
        return int(result or EXIT_OK)
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else EXIT_OK if e.code is None else EXIT_FAILED
    except CycloptsError as e:
        return _complain(str(e), EXIT_USAGE)
    except BrokenPipeError:
        # The reader of our output has gone (`… | head`): nothing to tell, and nobody to tell it.
        sys.stdout = None
        return EXIT_FAILED
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as e:  # noqa: BLE001  (raised again unless expected)
        return _status_of(e)


def _status_of(error: BaseException) -> int:
    """Say an expected error in one message; raise an unexpected one again."""
    leaves = list(_chain(error))
    for leaf in leaves:
        if disk_is_full(leaf):
            where = getattr(leaf, "filename", None)
            at = f" ({where})" if where else ""
            return _complain(
                f"the disk is full{at}: {leaf}; what was acknowledged stays: make room and run the same command again",
                EXIT_FAILED,
            )
    for leaf in leaves:
        if isinstance(leaf, LoridError):
            return _complain(str(leaf), leaf.exit_status)
    if any(isinstance(leaf, KeyboardInterrupt) for leaf in leaves):
        return _complain("interrupted; run the same command again to go on", EXIT_INTERRUPTED)
    for leaf in leaves:
        if isinstance(leaf, sqlite3.Error):
            return _complain(
                f"the journal cannot be read or written: {leaf}; what was acknowledged stays",
                EXIT_FAILED,
            )
        if isinstance(leaf, OSError):
            return _complain(f"{type(leaf).__name__}: {leaf}", EXIT_FAILED)
    raise error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, the members of its groups, and what caused them."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _chain(member)
        error = error.__cause__


def disk_is_full(error: BaseException) -> bool:
    """Whether an error says that there is no room (or that a quota or size limit is reached)."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    # polars writes files by itself, and says so in the text of an error of its own.
    writes = isinstance(error, (OSError, sqlite3.Error)) or type(error).__module__.startswith(
        "polars"
    )
    return writes and any(text in str(error).lower() for text in _FULL_TEXT)


def _complain(message: str, status: int) -> int:
    print(f"error: {message}" if "\n" not in message else f"error:\n{message}", file=sys.stderr)  # noqa: T201
    return status


# --- options: command line over --config FILE ---------------------------------------------------


def _take_config(argv: list[str]) -> tuple[list[str], Path | None]:
    """Split `--config FILE` from the other arguments; what follows `--` is left alone."""
    end = argv.index("--") if "--" in argv else len(argv)
    rest: list[str] = []
    file: Path | None = None
    i = 0
    while i < end:
        name, eq, value = argv[i].partition("=")
        if name != "--config":
            rest.append(argv[i])
        elif file is not None:
            raise ConfigError("--config is given twice; merge the two files")
        elif not eq and i + 1 >= end:
            raise ConfigError("--config: name a YAML file")
        else:
            i += not eq
            file = Path(value if eq else argv[i])
        i += 1
    return rest + argv[end:], file


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file whose top is a mapping with text keys; an empty file is an empty mapping.

    Raises:
        ConfigError: it cannot be read, is not UTF-8 or YAML, or is no mapping.
    """
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise ConfigError(f"{path}: {e.strerror or e}; name a YAML file that can be read") from e
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        mark = getattr(e, "problem_mark", None)
        at = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(f"{at}: not valid YAML ({getattr(e, 'problem', None) or e})") from e
    if data is None:
        return {}
    if not isinstance(data, dict) or not all(isinstance(k, str) for k in data):
        raise ConfigError(f"{path}: must be a mapping of option names to values, like `limit: 100`")
    return data


def secrets_in(data: dict[str, Any], where: str) -> list[str]:
    """One sentence for each key or value, at any depth, that looks like a secret."""
    found: list[str] = []

    def walk(node: object, path: str) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                inner = f"{path}.{key}" if path else str(key)
                if _SECRET_KEY.search(str(key).replace("-", "_")):
                    found.append(
                        f"{where}: {inner!r}: secrets are read from the environment only; remove it"
                    )
                else:
                    walk(value, inner)
        elif isinstance(node, list):
            for i, value in enumerate(node):
                walk(value, f"{path}[{i}]")
        elif isinstance(node, str) and _SECRET_VALUE.search(node):
            found.append(
                f"{where}: {path!r} holds what looks like a secret; put it into the environment"
            )

    walk(data, "")
    return found


class _Options:
    """Called by cyclopts after the command line is read: fills in `--config`, lists all problems."""

    def __init__(self, file: Path | None) -> None:
        self.file = file

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        from cyclopts.config import Dict

        problems: list[str] = []
        if self.file is not None:
            given = {k.replace("-", "_"): v for k, v in read_yaml(self.file).items()}
            by_key = {_key(a): a for a in arguments if not a.keys}
            problems += secrets_in(given, str(self.file))
            secret_keys = {k for k in given if _SECRET_KEY.search(k)}
            problems += [
                unknown_key(k, by_key, str(self.file))
                for k in given
                if k not in by_key and k not in secret_keys
            ]
            usable = {k: v for k, v in given.items() if k in by_key and v is not None}
            data = {by_key[k].name.lstrip("-"): v for k, v in usable.items()}
            Dict(data, use_commands_as_keys=False, source=str(self.file))(app, commands, arguments)
        problems += [p for a in arguments if (p := _problem(a)) is not None]
        if problems:
            raise ConfigError(*problems)


def _key(argument: Argument) -> str:
    """How an option is spelled in YAML: its long name, with underscores."""
    return str(argument.field_info.name).replace("-", "_")


def _problem(argument: Argument) -> str | None:
    """What is wrong with the value of one argument, or None."""
    from cyclopts.exceptions import CycloptsError

    if not argument.has_tokens:
        if argument.required and not argument.keys:
            return f"{argument.name.lstrip('-')!r} is missing; give it on the command line or in --config FILE"
        return None
    try:
        argument.convert_and_validate()
    except CycloptsError as e:
        e.verbose = False
        return str(e)
    return None
