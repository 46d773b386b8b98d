"""The one loader of everything a model reads: text and sha256 of a file under `prompts/`.

Files are named `<name>.v<N>.txt` and never edited once released: a new wording is a new version.
Placeholders are `{name}`; every other brace stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lorid_data.errors import ConfigError
from lorid_data.schema import sha256_text

_ID = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def root() -> Path:
    """Where the texts lie: inside the package in an installed wheel, beside it in a checkout."""
    here = Path(__file__).parent
    inside = here / "_prompts"
    return inside if inside.is_dir() else here.parent / "prompts"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file: its id (`teacher/knowledge.v1`), text and sha256 of the file's bytes."""

    id: str
    text: str
    sha256: str

    def fill(self, **values: str) -> str:
        """The text with each `{name}` replaced; values are inserted as they are, never stripped.

        Raises:
            ConfigError: a placeholder without a value, or a value without a placeholder.
        """
        names = set(_PLACEHOLDER.findall(self.text))
        if names != set(values):
            msg = f"prompt {self.id!r} takes {sorted(names)}, got {sorted(values)}"
            raise ConfigError(msg)
        return _PLACEHOLDER.sub(lambda m: values[m[1]], self.text)


def of_file(path: Path, *, takes: Collection[str]) -> Prompt:
    """A prompt file of the user's own. A line break at its very end is no part of the text.

    Args:
        path: a UTF-8 text file.
        takes: the placeholders that it must have, all of them and no other.

    Raises:
        ConfigError: no such file, no text, or other placeholders.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        msg = f"prompt file {str(path)!r}: cannot be read as UTF-8 text ({e})"
        raise ConfigError(msg) from e
    text = text.removesuffix("\n").removesuffix("\r")
    if (found := set(_PLACEHOLDER.findall(text))) != set(takes):
        wanted, has = (
            " and ".join(f"{{{n}}}" for n in sorted(names)) or "none" for names in (takes, found)
        )
        msg = f"prompt file {str(path)!r}: has the placeholders {has}; it must have {wanted}"
        raise ConfigError(msg)
    return Prompt(path.name, text, sha256_text(text))


@cache
def load(prompt_id: str) -> Prompt:
    """Load `prompts/<prompt_id>.txt`.

    Raises:
        ConfigError: there is no such prompt; the known ones are named.
    """
    folder = root()
    path = folder / f"{prompt_id}.txt"
    if not _ID.fullmatch(prompt_id) or not path.is_file():
        known = sorted(str(p.relative_to(folder).with_suffix("")) for p in folder.rglob("*.txt"))
        msg = f"no prompt {prompt_id!r}; there are {', '.join(known)}"
        raise ConfigError(msg)
    text = path.read_bytes().decode("utf-8")
    return Prompt(prompt_id, text, sha256_text(text))
