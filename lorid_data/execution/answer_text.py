"""The value that a program left in `answer`, as the text of an answer. Nothing is evaluated."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

DIGITS = 12
"""Significant digits of a number that is not whole: 0.1 + 0.2 is 0.3."""
MOST_CHARS = 500
"""A longer text is no answer."""
_INT = re.compile(r"-?\d+", re.ASCII)
_FLOAT = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
_DECIMAL = re.compile(r"Decimal\('([^']*)'\)")


def answer_text(shown: str, text: str) -> str | None:
    """The text of a value, or None where it is neither a number nor a text.

    Args:
        shown: `repr(value)`, which tells its type.
        text: `str(value)`.
    """
    if len(shown) > MOST_CHARS:
        return None
    if shown[:1] in ("'", '"'):
        return text.strip() or None
    if _INT.fullmatch(shown):
        return shown
    decimal = _DECIMAL.fullmatch(shown)
    number = decimal[1] if decimal else shown
    return _rounded(number) if _FLOAT.fullmatch(number) else None


def _rounded(number: str) -> str | None:
    """A number of at most `DIGITS` significant digits, without an exponent; None where it is too long."""
    try:
        value = Decimal(format(Decimal(number), f".{DIGITS}g"))
    except (InvalidOperation, ValueError):
        return None
    if not value.is_finite() or abs(value.adjusted()) > MOST_CHARS // 2:
        return None
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
