"""What training targets hold and the base model can never write, so that no adapter learns it.

Three kinds: characters that the tokenizer knows only as unknown, characters that it drops or
replaces, and tokens that the frozen output layer cannot tell from others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lorid_train.models.base_model import Base
from lorid_train.models.indistinct import indistinct_tokens

_TRAINS_THE_OUTPUT = ("embed", "head", "wte")
_SHOWN = 8


class Unwritable:
    """Finds in each target what cannot be written; each character and token is tried once."""

    def __init__(self, tokenizer: Any, same: frozenset[int] = frozenset()) -> None:
        """A finder for one tokenizer.

        Args:
            tokenizer: the base model's.
            same: ids whose probabilities are one and the same.
        """
        self._tokenizer, self._same = tokenizer, same
        self._known: set[str] = set()
        self._lost: set[str] = set()
        self._named: dict[int, str] = {}

    def of(self, target: str, ids: Sequence[int]) -> list[str]:
        """What of a target (its text and its token ids) cannot be written; each once, sorted."""
        characters = set(target)
        if new := characters - self._known:
            self._lost.update(c for c in new if not self._survives(c))
            self._known |= new
        found = self._lost & characters
        for i in self._same.intersection(ids):
            name = self._name(i)
            halves = "\N{REPLACEMENT CHARACTER}" in name  # a part of a character
            found |= self._holders(i, characters) if halves else {name}
        return sorted(found)

    def _survives(self, character: str) -> bool:
        ids = self._tokenizer.encode(f"a{character}a", add_special_tokens=False)
        unknown = getattr(self._tokenizer, "unk_token_id", None)
        if character.isspace():  # how a space is written is the tokenizer's own affair
            return unknown is None or unknown not in ids
        return character in self._tokenizer.decode(ids) and (unknown is None or unknown not in ids)

    def _name(self, token: int) -> str:
        if token not in self._named:
            text = self._tokenizer.decode([token])
            self._named[token] = text.strip() or text
        return self._named[token]

    def _holders(self, token: int, characters: set[str]) -> set[str]:
        encode = self._tokenizer.encode
        return {
            c for c in characters if ord(c) > 127 and token in encode(c, add_special_tokens=False)
        }


def finder(tokenizer: Any, base: Base, lora: Mapping[str, Any]) -> Unwritable:
    """What finds the unwritable in the rows of a role whose adapter is `lora`.

    An adapter that trains the output layer or the embeddings can learn to tell any tokens apart.
    """
    return Unwritable(tokenizer, frozenset() if _reaches(lora) else indistinct_tokens(base))


def _reaches(lora: Mapping[str, Any]) -> bool:
    if lora.get("trainable_token_indices"):
        return True
    named: list[str] = []
    for key in ("target_modules", "modules_to_save"):
        value = lora.get(key) or ()
        named += [value] if isinstance(value, str) else map(str, value)
    return any(part in name for name in named for part in _TRAINS_THE_OUTPUT)


def lines(role: str, n_rows: int, found: Mapping[str, int], n_holding: int) -> Iterator[str]:
    """The warning of a role's plan.

    Args:
        role: its name.
        n_rows: rows that it trains on.
        found: what cannot be written, and in how many rows it stands.
        n_holding: rows that hold any of it.
    """
    if not found:
        return
    most = sorted(found, key=lambda text: (-found[text], text))
    some = ", ".join(f"{text!r} ({found[text]:,})" for text in most[:_SHOWN])
    more = f" and {len(most) - _SHOWN} more" if len(most) > _SHOWN else ""
    yield (
        f"warning: role {role!r}: {n_holding:,} of {n_rows:,} rows are to be answered with what the base can never write: "
        f"{some}{more}; it has no token for it, or one that it cannot tell from others. "
        "Take another base, or rows without it"
    )
