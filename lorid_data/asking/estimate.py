"""What asking will cost, before anything is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lorid_data.teachers.base import LONGER, TeacherRequest
from lorid_data.teachers.prices import Price, dollars
from lorid_data.teachers.remote import MAX_TOKENS, n_tokens_of
from lorid_data.texts.counting import count

_LOW_OUTPUT, _EXPECTED_OUTPUT = 80, 300
"""Tokens of a short and of a usual list of rules; a model that thinks first writes more."""


_N = TypeVar("_N", int, float)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens and USD of a number of requests; USD None where the price is not known.

    `low` has short replies and text that makes few tokens; `high` has every reply cut off, and so asked
    for and paid for twice, the second time with more tokens. Attempts that fail and are charged all
    the same are in none of them.
    """

    n_requests: int
    n_input: tuple[int, int, int]
    n_output: tuple[int, int, int]
    usd: tuple[float, float, float] | None

    def describe(self) -> str:
        """Low, expected and high, in one line."""
        if self.n_requests == 0:
            return "nothing is left to ask: $0"
        names = ("low", "expected", "high")
        tokens = ", ".join(
            f"{name} {a:,} in + {b:,} out"
            for name, a, b in zip(names, self.n_input, self.n_output, strict=True)
        )
        if self.usd is None:
            cost = "cost unknown: the price of this model stands in no file (see --prices)"
        else:
            sums = [dollars(u) for u in self.usd]
            cost = ", ".join(f"{n} {s}" for n, s in zip(names, sums, strict=True))
            cost = sums[0] if len(set(sums)) == 1 else cost
        return f"{count(self.n_requests, 'request')}; {cost}; tokens: {tokens}"


def estimate(
    requests: Iterable[TeacherRequest], price: Price | None, *, cheap: bool = False
) -> Estimate:
    """What these requests cost at a price; `cheap` where the mode costs half."""
    n = 0
    n_in = [0, 0, 0]
    n_out = [0, 0, 0]
    for request in requests:
        n += 1
        n_chars = sum(len(m.content) for m in request.messages)
        most = int(request.sampling.get("max_tokens", MAX_TOKENS))
        for i, tokens in enumerate((n_chars // 5, n_chars // 4 + 100, n_tokens_of(request))):
            n_in[i] += tokens
        for i, tokens in enumerate((_LOW_OUTPUT, _EXPECTED_OUTPUT, most)):
            n_out[i] += min(tokens, most)
        n_in[2] += n_tokens_of(request)
        n_out[2] += LONGER * most
    usd = None
    if price is not None:
        low, expected, high = (
            price.cost_usd(a, b, cheap=cheap) for a, b in zip(n_in, n_out, strict=True)
        )
        usd = (low, expected, high)
    return Estimate(n, (n_in[0], n_in[1], n_in[2]), (n_out[0], n_out[1], n_out[2]), usd)


def together(parts: Sequence[Estimate]) -> Estimate:
    """The sum; its cost is unknown where that of one part is."""
    usd: tuple[float, float, float] | None = (0.0, 0.0, 0.0)
    n_in = n_out = (0, 0, 0)
    for part in parts:
        n_in, n_out = _plus(n_in, part.n_input), _plus(n_out, part.n_output)
        usd = None if usd is None or part.usd is None else _plus(usd, part.usd)
    return Estimate(sum(p.n_requests for p in parts), n_in, n_out, usd)


def _plus(a: tuple[_N, _N, _N], b: tuple[_N, _N, _N]) -> tuple[_N, _N, _N]:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]
