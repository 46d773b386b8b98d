"""What a rule's file and a file of votes have in common: read whole or refused, and never for what they were fitted on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from lorid_data.errors import ConfigError
from lorid_data.schema import FrozenModel, Record
from lorid_data.texts import strict_json

LARGEST_BYTES = 2**26
_F = TypeVar("_F", bound=FrozenModel)


def read(path: Path, kind: type[_F], what: str, command: str) -> _F:
    """A fitted file.

    Args:
        path: where it lies.
        kind: what it is checked as; a ValueError of its checks is said with the file's name.
        what: what it holds, for people.
        command: what writes such files.

    Raises:
        ConfigError: it cannot be read, or is not of this version.
    """
    advice = f"name a file that {command} wrote"
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ConfigError(f"{path}: larger than {LARGEST_BYTES:,} bytes is no {what}; {advice}")
        return kind.model_validate(strict_json.parse(path.read_bytes()))
    except OSError as e:
        raise ConfigError(f"{path}: cannot be read ({e.strerror}); {advice}") from e
    except ValidationError as e:
        first = e.errors()[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise ConfigError(f"{path}: no {what} of this version ({why}); {advice}") from e
    except ValueError as e:
        raise ConfigError(f"{path}: no {what} of this version ({e}); {advice}") from e


def among(questions: Sequence[str], records: Iterable[Record]) -> list[Record]:
    """The records whose question, or the one that it is a variant of, something was fitted on."""
    known = set(questions)
    return [r for r in records if known & {r.problem_id, r.original_id}]
