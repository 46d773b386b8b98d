"""Which rows of a source one of several processes builds: a block of them, one behind the other. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lorid_data.errors import ConfigError

_WRITTEN = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})")


@dataclass(frozen=True, slots=True)
class Shard:
    """The part `i` of `n`, from 1."""

    i: int
    n: int

    def __str__(self) -> str:
        return f"{self.i}/{self.n}"

    def rows(self, n_rows: int) -> range:
        """The numbers of its rows, of so many: blocks that differ by one row at most."""
        return range(n_rows * (self.i - 1) // self.n, n_rows * self.i // self.n)


def shard_of(written: object) -> Shard | None:
    """The shard `I/N`; None for another text.

    Args:
        written: like `2/8`.
    """
    found = _WRITTEN.fullmatch(written) if isinstance(written, str) else None
    shard = Shard(int(found[1]), int(found[2])) if found else None
    return shard if shard is not None and shard.i <= shard.n else None


def parse_shard(written: str) -> Shard:
    """The shard `I/N`.

    Raises:
        ConfigError: it is written otherwise.
    """
    shard = shard_of(written)
    if shard is None:
        raise ConfigError(f"--shard {written!r}: write I/N with I from 1 to N, like 2/8")
    return shard
