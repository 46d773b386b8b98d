"""What tokens cost: a dated file with sources, which a file of one's own may override."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError

FILE = Path(__file__).parent / "prices.yaml"
_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
WRITTEN = 2.0
"""What a token that is written to a cache costs beside any other, at the most (Anthropic, 1 hour)."""
_NUMBERS = ("input", "output", "cached_input")


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens; `cheap` is what flex and batch modes cost beside online."""

    input: float
    output: float
    cached_input: float
    cheap: float = 0.5

    def cost_usd(
        self,
        n_input: int,
        n_output: int,
        n_cached: int = 0,
        *,
        n_written: int = 0,
        cheap: bool = False,
    ) -> float:
        """Cost of a request, never below 0.

        Of its `n_input` tokens `n_cached` came from the provider's cache and `n_written` went into it.
        """
        n_cached = min(max(n_cached, 0), n_input)
        full = (n_input - n_cached) * self.input + n_cached * self.cached_input
        full += min(max(n_written, 0), n_input) * self.input * (WRITTEN - 1)
        return (full + n_output * self.output) / 1e6 * (self.cheap if cheap else 1.0)


def dollars(usd: float, digits: int = 2) -> str:
    """A sum for people. What would round to nothing is `under $0.01`, which is not free."""
    least = 10.0**-digits
    if usd <= 0:
        return "$0"
    return f"${usd:,.{digits}f}" if usd >= least else f"under ${least:.{digits}f}"


def price_of(kind: str, model: str, override: Path | None = None) -> Price | None:
    """The price of a model; None where it is not known, which is not the same as free.

    A dated model (`gpt-4o-2024-08-06`) has the price of the model that it is a version of, unless
    it stands in the file itself.

    Raises:
        ConfigError: the override cannot be read.
    """
    for table in [_read(override)] if override else []:
        if found := _find(table, kind, model):
            return found
    return _find(_read(FILE), kind, model)


def _find(table: Mapping[str, Mapping[str, Price]], kind: str, model: str) -> Price | None:
    models = table.get(kind, {})
    return models.get(model) or models.get(_DATED.sub("", model))


@cache
def _read(path: Path) -> Mapping[str, Mapping[str, Price]]:
    from lorid_data.commandline.options import read_yaml

    body = read_yaml(path)
    problems: list[str] = []
    table: dict[str, dict[str, Price]] = {}
    for kind, section in body.items():
        if kind in ("openai", "anthropic", "server"):
            models = section.get("models", {}) if isinstance(section, dict) else {}
            table[kind] = {
                str(name): price
                for name, entry in models.items()
                if (price := _price(entry, f"{path}: {kind}: {name}", problems)) is not None
            }
        else:
            problems.append(f"{path}: unknown provider {kind!r}; known: openai, anthropic, server")
    if problems:
        raise ConfigError(*problems)
    return table


def _price(entry: Any, where: str, problems: list[str]) -> Price | None:
    # `found` says where the numbers come from; see the head of the packaged file.
    numbers = {k: v for k, v in entry.items() if k != "found"} if isinstance(entry, dict) else {}
    bad = [k for k, v in numbers.items() if k not in _NUMBERS or not _is_price(v)]
    if bad or "input" not in numbers or "output" not in numbers:
        problems.append(
            f"{where}: must give input and output, and may give cached_input, in USD per million tokens; got {entry!r}"
        )
        return None
    price = {name: float(value) for name, value in numbers.items()}
    return Price(**{"cached_input": price["input"], **price})


def _is_price(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6
