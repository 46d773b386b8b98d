"""Exact arithmetic on answers: sums of monomials over the rationals, with roots, i, π, e and symbols.

Without opaque bases two quotients are equal exactly when their cross products are: no floating
point, no tolerance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

from lorid_data.answers.monomials import (
    MAX_BITS,
    MAX_TERMS,
    ONE,
    Monomial,
    Poly,
    factorise,
    order,
    poly_key,
    poly_mul,
    poly_sum,
    reduced,
)
from lorid_data.answers.results import LimitError

MAX_POWER = 24
"""Largest power to which a sum is multiplied out."""
_HALF = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Quotient:
    """A numerator over a denominator; the denominator is {(): 1} wherever one monomial divides it."""

    num: Poly
    den: Poly

    @property
    def number(self) -> Fraction | None:
        """The value, where it is a rational number."""
        if self.den != ONE or any(m for m in self.num):
            return None
        return self.num.get((), Fraction(0))

    @property
    def is_exact(self) -> bool:
        """No opaque base: two such quotients with different values are different."""
        return not any(
            base.startswith("@") and not base.startswith("@call_") for base in self.bases()
        )

    def bases(self) -> set[str]:
        """All bases that occur."""
        return {base for poly in (self.num, self.den) for m in poly for base, _ in m}

    def key(self) -> str:
        """Canonical text: equal for equal numbers, surds and polynomials."""
        top = poly_key(self.num)
        return top if self.den == ONE else f"({top})/({poly_key(self.den)})"


def number(value: Fraction | int) -> Quotient:
    """A rational number."""
    value = Fraction(value)
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        msg = "a number with too many digits"
        raise LimitError(msg)
    return Quotient({(): value} if value else {}, ONE)


def symbol(name: str) -> Quotient:
    """A name, "pi", "e", "i" or an opaque base."""
    return Quotient({((name, Fraction(1)),): Fraction(1)}, ONE)


def add(a: Quotient, b: Quotient) -> Quotient:
    """A + b."""
    if a.den == b.den:
        return _quotient(poly_sum(a.num, b.num), a.den)
    return _quotient(
        poly_sum(poly_mul(a.num, b.den), poly_mul(b.num, a.den)), poly_mul(a.den, b.den)
    )


def mul(a: Quotient, b: Quotient) -> Quotient:
    """A · b."""
    return _quotient(poly_mul(a.num, b.num), poly_mul(a.den, b.den))


def negate(a: Quotient) -> Quotient:
    """-a."""
    return Quotient({m: -c for m, c in a.num.items()}, a.den)


def invert(a: Quotient) -> Quotient:
    """1 / a.

    Raises:
        ZeroDivisionError: a is zero.
    """
    if not a.num:
        raise ZeroDivisionError
    return _quotient(a.den, a.num)


def is_same(a: Quotient, b: Quotient) -> bool:
    """Whether a - b is zero as a polynomial identity."""
    if a.den == b.den:
        return a.num == b.num
    return poly_mul(a.num, b.den) == poly_mul(b.num, a.den)


def power(a: Quotient, e: Fraction) -> Quotient | None:
    """a^e, or None where it has no form here (it is then opaque).

    Raises:
        ZeroDivisionError: 0 to a negative power.
        LimitError: too large.
    """
    if e.denominator != 1:
        if abs(e.numerator) > MAX_POWER or e.denominator > MAX_POWER:
            return None
        top = power(a, Fraction(e.numerator))
        return None if top is None else root(top, e.denominator)
    n = abs(e.numerator)
    base = a if e >= 0 else invert(a)
    if len(base.num) == 1 and base.den == ONE:
        return _monomial_power(base, n)
    if n > MAX_POWER:
        return None
    result = number(1)
    for _ in range(n):
        result = mul(result, base)
    return result


def _monomial_power(a: Quotient, n: int) -> Quotient:
    ((m, c),) = a.num.items()
    bits = max(c.numerator.bit_length(), c.denominator.bit_length())
    if n > MAX_BITS or (abs(c) != 1 and bits * n > MAX_BITS):
        msg = "a power that is too large"
        raise LimitError(msg)
    factor, mono = reduced({b: x * n for b, x in m})
    return Quotient({mono: c**n * factor}, ONE)


def root(a: Quotient, n: int) -> Quotient | None:
    """The principal n-th root, or None where it has no form here."""
    if not a.num:
        return a
    if len(a.num) != 1 or a.den != ONE or n < 1 or n > MAX_POWER:
        return None
    ((m, c),) = a.num.items()
    if any(b == "i" or b.startswith("@") for b, _ in m):
        return None
    if n % 2 == 0 and any(
        not b.isdigit() and b not in ("pi", "e") and (x / n).denominator == 1 for b, x in m
    ):
        return None  # √(x²) is |x|
    front = number(1)
    if c < 0:
        if m or n not in (2, 3):
            return None
        front = symbol("i") if n == 2 else number(-1)
    exponents = {b: x / n for b, x in m}
    for value, sign in ((abs(c.numerator), 1), (c.denominator, -1)):
        primes = factorise(value)
        if primes is None:
            return None
        for p, k in primes.items():
            exponents[str(p)] = exponents.get(str(p), Fraction(0)) + Fraction(sign * k, n)
    factor, mono = reduced(exponents)
    return mul(front, Quotient({mono: factor}, ONE))


# --- quotients in lowest form ------------------------------------------------------------------


def _quotient(num: Poly, den: Poly) -> Quotient:
    if not num:
        return Quotient({}, ONE)
    if den == ONE:
        return Quotient(num, ONE)
    num, den = _rationalise(num, den)
    if len(den) == 1:
        ((m, c),) = den.items()
        factor, inverse = reduced({b: -e for b, e in m})
        return Quotient(poly_mul(num, {inverse: factor / c}), ONE)
    divided = _divide(num, den)
    if divided is not None:
        return Quotient(divided, ONE)
    return Quotient(*_lowest(num, den))


def _rationalise(num: Poly, den: Poly) -> tuple[Poly, Poly]:
    """Square roots and i out of a denominator that is a sum, by its conjugate."""
    for _ in range(6):
        if len(den) == 1:
            break
        bases = sorted({b for m in den for b, e in m if b == "i" or (b.isdigit() and e == _HALF)})
        if not bases:
            break
        conjugate = {m: -c if any(b == bases[0] for b, _ in m) else c for m, c in den.items()}
        product = poly_mul(den, conjugate)
        if not product or any(b == bases[0] for m in product for b, _ in m):
            break
        num, den = poly_mul(num, conjugate), product
    return num, den


def _lead(poly: Poly) -> Monomial:
    return min(poly, key=order)


def _divide(num: Poly, den: Poly) -> Poly | None:
    """Num / den where that leaves no remainder, else None. Only without roots: those are no integers."""
    if any(e.denominator != 1 or e < 0 for poly in (num, den) for m in poly for _, e in m):
        return None
    lead = _lead(den)
    quotient: Poly = {}
    rest = num
    for _ in range(MAX_TERMS):
        if not rest:
            return quotient
        top = _lead(rest)
        exponents = dict(top)
        for base, e in lead:
            exponents[base] = exponents.get(base, Fraction(0)) - e
        if any(e < 0 for e in exponents.values()):
            return None
        m = tuple(sorted((b, e) for b, e in exponents.items() if e))
        c = rest[top] / den[lead]
        quotient[m] = c
        rest = poly_sum(rest, poly_mul({m: -c}, den))
    return None


def _lowest(num: Poly, den: Poly) -> tuple[Poly, Poly]:
    """No common monomial, and the denominator's leading coefficient is 1."""
    common = _common(list(num) + list(den))
    if common:
        inverse: Poly = {tuple((b, -e) for b, e in common): Fraction(1)}
        num, den = poly_mul(num, inverse), poly_mul(den, inverse)
    c = den[_lead(den)]
    return {m: v / c for m, v in num.items()}, {m: v / c for m, v in den.items()}


def _common(monomials: Iterable[Monomial]) -> Monomial:
    """The bases, primes and i apart, that are in every monomial, at their least exponent."""
    least: dict[str, Fraction] | None = None
    for m in monomials:
        here = {b: e for b, e in m if not b.isdigit() and b != "i"}
        if least is None:
            least = here
        else:
            least = {b: min(e, here[b]) for b, e in least.items() if b in here}
    return tuple(sorted((least or {}).items()))


def cleared(a: Quotient) -> Quotient:
    """The numerator of a, multiplied until no symbol has a negative exponent: a = 0 says the same."""
    lowest: dict[str, Fraction] = {}
    for m in a.num:
        for base, e in m:
            lowest[base] = min(lowest.get(base, Fraction(0)), e)
    up = tuple(sorted((b, -e) for b, e in lowest.items() if e < 0))
    return Quotient(poly_mul(a.num, {up: Fraction(1)}), ONE) if up else Quotient(a.num, ONE)


def content(a: Quotient) -> tuple[Fraction, Quotient]:
    """A as a positive rational number times a quotient with coprime integer coefficients."""
    values = list(a.num.values())
    if not values:
        return Fraction(1), a
    top = gcd(*(v.numerator for v in values))
    bottom = 1
    for v in values:
        bottom = bottom * v.denominator // gcd(bottom, v.denominator)
    c = Fraction(top, bottom)
    return c, Quotient({m: v / c for m, v in a.num.items()}, a.den)
