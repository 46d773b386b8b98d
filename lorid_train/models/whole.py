"""Roles that a whole model plays, without an adapter: another project's strong reasoner as IR, for one.

Such a model has a base, a prompt format and, where it was trained on instructions of its own, a
prompt file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lorid_data import prompts
from lorid_data.errors import ConfigError
from lorid_data.prompts import Prompt
from lorid_train import formats
from lorid_train.models import base_model
from lorid_train.models.base_model import Base
from lorid_train.roles import ROLES
from lorid_train.roles import role as role_named

PREFIX = "model:"
"""Begins the place of a whole model where an adapter's folder could stand."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A model that plays a role as it is.

    Attributes:
        base: the model.
        format: how a text becomes its prompt.
        prompt: the role's text in words of the user's own; None is the role's own file.
    """

    base: Base
    format: formats.Format
    prompt: Prompt | None = None

    @property
    def place(self) -> str:
        """What to ask for to get it again."""
        at = f"@{self.base.revision}" if self.base.revision else ""
        return f"{PREFIX}{self.base.name}{at}"

    @property
    def words(self) -> str:
        """Who that is, for reports and cards."""
        own = f", prompt {self.prompt.id} ({self.prompt.sha256[:12]})" if self.prompt else ""
        return f"{self.place}, format {self.format.name}{own}"

    @property
    def identity(self) -> dict[str, str | None]:
        """All that decides what it writes, by its hash."""
        return {
            "base_sha256": self.base.fingerprint,
            "tokenizer_sha256": self.base.tokenizer,
            "format": self.format.name,
            "format_sha256": self.format.sha256,
            "prompt_sha256": self.prompt.sha256 if self.prompt else None,
        }


def is_whole(place: str) -> bool:
    """Whether a role's place names a whole model."""
    return place.startswith(PREFIX)


def open_wholes(places: Mapping[str, str], told: Mapping[str, str]) -> dict[str, Whole]:
    """The whole models by role.

    Args:
        places: by role: `model:FOLDER`, or `model:OWNER/NAME[@REVISION]`.
        told: by role: FORMAT, a prompt file, or FORMAT:FILE; the format is `chat` by default.

    Raises:
        ConfigError: no such model, format or file, a file without the role's placeholders, a
            format for a role that an adapter plays; all problems.
    """
    problems = [
        f"--formats {r}={told[r]}: the role is played by an adapter, whose card names its format; "
        f"a format stands with {r}={PREFIX}…"
        for r in told
        if r in ROLES and r not in places
    ]
    problems += [f"--formats: unknown role {r!r}; there are {', '.join(ROLES)}" for r in told if r not in ROLES]  # fmt: skip
    found = {}
    for role, place in places.items():
        try:
            found[role] = _opened(role, place.removeprefix(PREFIX), told.get(role, "chat"))
        except ConfigError as e:
            problems += [f"{role}={place}: {p}" for p in e.problems]
    if problems:
        raise ConfigError(*problems)
    return found


def pinned(whole: Whole) -> Whole:
    """The same model at the commit that its name stands for today; see `base_model.pinned`."""
    return replace(whole, base=base_model.pinned(whole.base))


def _opened(role: str, name: str, told: str) -> Whole:
    form, file = _format_and_file(told)
    fmt = formats.load(formats.newest(form))
    takes = ("question", "knowledge") if role_named(role).reads_knowledge else ("question",)
    prompt = prompts.of_file(file, takes=takes) if file else None
    base = base_model.resolve(name)
    if fmt.prompt is None and not base_model.load_tokenizer(base).chat_template:
        msg = f"its tokenizer has no chat template; give it a format: --formats {role}=plain, or {role}=plain:FILE"
        raise ConfigError(msg)
    return Whole(base, fmt, prompt)


def _format_and_file(told: str) -> tuple[str, Path | None]:
    """A format's name and a prompt file, of FORMAT, FILE or FORMAT:FILE."""
    if told in formats.names():
        return told, None
    head, colon, rest = told.partition(":")
    if colon and head in formats.names():
        return head, Path(rest)
    if not Path(told).is_file():
        msg = f"{told!r} is neither a format nor a prompt file; formats are {', '.join(formats.names())}"
        raise ConfigError(msg)
    return "chat", Path(told)
