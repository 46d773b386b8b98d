"""Options from the command line over those of `--config FILE`; all that is wrong is said at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.commandline.meant import misread
from lorid_data.commandline.paths import wrong_paths
from lorid_data.errors import ConfigError, unknown_key
from lorid_data.texts import safe_yaml
from lorid_data.texts.pathnames import not_a_path
from lorid_data.texts.secrets import holds_secret

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.argument import Argument, ArgumentCollection


_SECRET_KEY = re.compile(
    r"(?:^|_)(?:api_?key|key|token|secret|password|authorization)$", re.IGNORECASE
)
_NO_SECRET = re.compile(
    r"(?:^|_)(?:eos|bos|pad|unk|sep|cls|mask|stop|end|start|image|max|min|new|n|num|sort|group)_(?:token|key)$",
    re.IGNORECASE,
)
"""Names that speak of a tokenizer's tokens, of their number or of a column, and of no secret."""
_SECRET_VALUE = re.compile(r"^(?:sk-|hf_|Bearer )\S{8,}")


def take_config(argv: list[str]) -> tuple[list[str], Path | None]:
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
            written = value if eq else argv[i]
            if (said := not_a_path(written)) is not None:
                raise ConfigError(f"--config: {said}")
            file = Path(written)
        i += 1
    return rest + argv[end:], file


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file whose top is a mapping with text keys; an empty file is an empty mapping.

    Raises:
        ConfigError: it cannot be read, is not UTF-8 or YAML, or is no mapping.
    """
    try:
        if path.stat().st_size > 4 * safe_yaml.MAX_CHARS:
            raise ConfigError(f"{path}: too large for a configuration")
        data = safe_yaml.parse(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise ConfigError(f"{path}: {e.strerror or e}; name a YAML file that can be read") from e
    except UnicodeDecodeError as e:
        raise ConfigError(f"{path}: not valid YAML ({e})") from e
    except safe_yaml.YamlError as e:
        raise ConfigError(f"{path}{f':{e.line}' if e.line else ''}: {e}") from e
    if data is None:
        return {}
    if not isinstance(data, dict) or not all(isinstance(k, str) for k in data):
        raise ConfigError(f"{path}: must be a mapping of option names to values, like `limit: 100`")
    return data


def is_secret(key: str, value: object) -> bool:
    """Whether an option, by its name and value, is meant to hold a secret.

    `hub_token: hf_…` is; `max_token: 512`, a slip for max_tokens, `eos_token: "</s>"` and any other
    name of a token or key with a number or a yes or no are not: such a key is known or unknown like
    every other.
    """
    name = key.replace("-", "_")
    if not _SECRET_KEY.search(name):
        return False
    is_plain = value is None or isinstance(value, (bool, int, float))
    if re.search(r"(?:^|_)(?:token|key)$", name, re.IGNORECASE) and not name.lower().endswith(
        "api_key"
    ):
        is_qualified = "_" in name
        return not (is_qualified and (is_plain or _NO_SECRET.search(name)))
    return True


def secrets_in(data: dict[str, Any], where: str) -> list[str]:
    """One sentence for each key or value, at any depth, that looks like a secret."""
    found: list[str] = []

    def walk(node: object, path: str) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                inner = f"{path}.{key}" if path else str(key)
                if is_secret(str(key), value):
                    found.append(
                        f"{where}: {inner!r}: secrets are read from the environment only; remove it"
                    )
                else:
                    walk(value, inner)
        elif isinstance(node, list):
            for i, value in enumerate(node):
                walk(value, f"{path}[{i}]")
        elif isinstance(node, str) and (_SECRET_VALUE.search(node) or holds_secret(node)):
            found.append(
                f"{where}: {path!r} holds what looks like a secret; put it into the environment"
            )

    walk(data, "")
    return found


class Options:
    """Called by cyclopts after the command line is read: fills in `--config`, lists all problems."""

    def __init__(self, file: Path | None) -> None:
        self.file = file

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        """Give the options of the file to what the command line left out; raise for all problems."""
        from cyclopts.config import Dict
        from cyclopts.token import Token

        problems: list[str] = []
        takes_file = [a for a in arguments if _key(a) == "config" and a.required]
        if self.file is not None and takes_file and not takes_file[0].has_tokens:
            # The command's own argument is a configuration: `sft --config FILE` is `sft FILE`.
            takes_file[0].append(Token(value=str(self.file), source="--config"))
        elif self.file is not None:
            written = read_yaml(self.file)
            given = {k.replace("-", "_"): v for k, v in written.items()}
            problems += [
                f"{self.file}: {k!r} stands twice, with - and with _"
                for k in written
                if "-" in k and k.replace("-", "_") in written
            ]
            by_key = {_key(a): a for a in arguments if not a.keys}
            problems += secrets_in(given, str(self.file))
            secret_keys = {k for k, v in given.items() if is_secret(k, v)}
            problems += [
                unknown_key(k, by_key, str(self.file))
                for k in given
                if k not in by_key and k not in secret_keys
            ]
            usable = {k: v for k, v in given.items() if k in by_key and v is not None}
            problems += [
                f"{self.file}: {k}: {said}"
                for k, v in usable.items()
                if (said := misread(by_key[k].hint, v)) is not None
            ]
            data = {by_key[k].name.lstrip("-"): _pairs(by_key[k], v) for k, v in usable.items()}
            # Below the command's name: cyclopts passes over an option that is named like a command
            # beside it (`rounds`, `split`) in a mapping that is for all of them.
            for name in reversed(commands):
                data = {name: data}
            Dict(data, source=str(self.file))(app, commands, arguments)
        problems += wrong_paths(arguments)
        told = app.default_command.__doc__ or "" if app.default_command else ""
        problems += [p for a in arguments if (p := _problem(a, told)) is not None]
        if problems:
            raise ConfigError(*problems)


def _pairs(argument: Argument, value: Any) -> Any:
    """A mapping, for an option that is a list: `{question: instruction}` is `question=instruction`."""
    is_plain = isinstance(value, dict) and not any(
        isinstance(v, dict | list) for v in value.values()
    )
    if not is_plain or "dict" in str(argument.hint).lower():
        return value
    return [f"{k}={'' if v is None else v}" for k, v in value.items()]


def _key(argument: Argument) -> str:
    """How an option is spelled in YAML: its long name, with underscores."""
    return str(argument.field_info.name).replace("-", "_")


def _missing(argument: Argument, told: str) -> str:
    """What to give for an argument that was left out: what it is, and where it may stand."""
    kind = argument.field_info.kind
    is_option = kind is kind.KEYWORD_ONLY
    name = argument.name.lstrip("-")
    shown = f"--{name}" if is_option else name.upper()
    place = "on the command line or in --config FILE" if is_option else "behind the command's name"
    what = _described(told, _key(argument))
    return f"{shown} is missing; give it {place}{f': {what}' if what else ''}"


def _described(docstring: str, name: str) -> str:
    """What a docstring of Google's form says of an argument, its first sentence."""
    match = re.search(rf"^ +{re.escape(name)}: (.+)$", docstring, re.MULTILINE)
    return match[1].rstrip(".") if match else ""


def _problem(argument: Argument, told: str = "") -> str | None:
    """What is wrong with the value of one argument, or None."""
    from cyclopts.exceptions import CycloptsError

    if not argument.has_tokens:
        if argument.required and not argument.keys:
            return _missing(argument, told)
        return None
    try:
        argument.convert_and_validate()
    except CycloptsError as e:
        e.verbose = False
        return str(e)
    return None
