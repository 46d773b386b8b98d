"""Sums of monomials over the rationals: the dictionaries that exact arithmetic works on.

A monomial maps bases to exponents. A base is a prime ("2", with an exponent strictly between 0
and 1: √8 is 2·2^(1/2)), "i" (exponent 1), a name, or an opaque base that begins with "@" and
stands for what is not understood here, such as @sin(…).
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from lorid_data.answers.results import LimitError


class TermsError(ValueError):
    """Multiplied out, an expression has too many terms to be compared exactly."""


Monomial = tuple[tuple[str, Fraction], ...]
Poly = dict[Monomial, Fraction]

MAX_TERMS = 300
MAX_BITS = 40_000
_TRIAL = 2000
ONE: Poly = {(): Fraction(1)}


def poly_key(poly: Poly) -> str:
    """Canonical text of a sum."""
    if not poly:
        return "0"
    return "+".join(_term_key(m, poly[m]) for m in sorted(poly, key=order))


def _term_key(m: Monomial, c: Fraction) -> str:
    factors = [b if e == 1 else f"{b}^{e}" for b, e in m]
    # hex() has no limit on digits, unlike str()
    big = max(c.numerator.bit_length(), c.denominator.bit_length()) > 4000
    number = f"{c.numerator:x}/{c.denominator:x}h" if big else str(c)
    return "*".join([number, *factors]) if c != 1 or not factors else "*".join(factors)


def order(m: Monomial) -> tuple[Fraction, Monomial]:
    """Graded lexicographic, largest first."""
    return (-sum((e for _, e in m), Fraction(0)), tuple((b, -e) for b, e in m))


def factorise(n: int) -> dict[int, int] | None:
    """Prime factors of n ≥ 1, or None where trial division up to 2,000 does not settle it."""
    found: dict[int, int] = {}
    p = 2
    while p <= _TRIAL and p * p <= n:
        while n % p == 0:
            found[p] = found.get(p, 0) + 1
            n //= p
        p += 1 if p == 2 else 2
    if n == 1:
        return found
    if n <= _TRIAL * _TRIAL:
        return {**found, n: found.get(n, 0) + 1}
    s = isqrt(n)
    if s * s == n and s <= _TRIAL * _TRIAL:
        return {**found, s: 2}
    return None


def reduced(exponents: dict[str, Fraction]) -> tuple[Fraction, Monomial]:
    """Exponents → a rational factor and a monomial in lowest form."""
    factor = Fraction(1)
    kept = {}
    for base, e in exponents.items():
        if base.isdigit():
            whole = e.numerator // e.denominator
            if abs(whole) * int(base).bit_length() > MAX_BITS:
                msg = "a power that is too large"
                raise LimitError(msg)
            factor *= Fraction(int(base)) ** whole
            e -= whole
        elif base == "i" and e.denominator == 1:
            factor *= -1 if e.numerator % 4 in (2, 3) else 1
            e = Fraction(e.numerator % 2)
        if e:
            kept[base] = e
    return factor, tuple(sorted(kept.items()))


def _mono_mul(a: Monomial, b: Monomial) -> tuple[Fraction, Monomial]:
    if not a:
        return Fraction(1), b
    if not b:
        return Fraction(1), a
    exponents = dict(a)
    for base, e in b:
        exponents[base] = exponents.get(base, Fraction(0)) + e
    return reduced(exponents)


def poly_sum(a: Poly, b: Poly) -> Poly:
    """The sum of two."""
    out = dict(a)
    for m, c in b.items():
        total = out.get(m, Fraction(0)) + c
        if total:
            out[m] = total
        else:
            out.pop(m, None)
    return _checked(out)


def poly_mul(a: Poly, b: Poly) -> Poly:
    """The product of two.

    Raises:
        TermsError: too many terms.
    """
    if a == ONE:
        return b
    if b == ONE:
        return a
    if len(a) * len(b) > MAX_TERMS * 10:
        raise TermsError
    out: Poly = {}
    for ma, ca in a.items():
        for mb, cb in b.items():
            factor, m = _mono_mul(ma, mb)
            out[m] = out.get(m, Fraction(0)) + ca * cb * factor
    return _checked({m: c for m, c in out.items() if c})


def _checked(poly: Poly) -> Poly:
    if len(poly) > MAX_TERMS:
        raise TermsError
    for c in poly.values():
        if c.numerator.bit_length() > MAX_BITS or c.denominator.bit_length() > MAX_BITS:
            msg = "a number with too many digits"
            raise LimitError(msg)
    return poly
