"""Units and count nouns behind a number. They are ignored, unless two answers state different ones."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lorid_data.answers.results import table
from lorid_data.answers.tokens import Tok, Tokens
from lorid_data.answers.translated import foreign_units
from lorid_data.answers.words import SCALES

_KNOWN_TABLE = """
m: m meter meters metre metres
km: km kms kilometer kilometers kilometre kilometres
cm: cm cms centimeter centimeters centimetre centimetres
mm: mm millimeter millimeters millimetre millimetres
in: in inch inches
ft: ft foot feet
yd: yd yds yard yards
mi: mi mile miles
g: g gm gms gram grams gramme grammes
kg: kg kgs kilogram kilograms kilo kilos
mg: mg milligram milligrams
lb: lb lbs
oz: oz ounce ounces
ton: ton tons tonne tonnes
l: l liter liters litre litres
ml: ml milliliter milliliters millilitre millilitres
gal: gal gallon gallons
s: s sec secs second seconds
min: min mins minute minutes
h: h hr hrs hour hours
day: day days
week: week weeks wk wks
month: month months
year: year years yr yrs
usd: dollar dollars usd bucks
cent: cent cents ¢
eur: euro euros eur
gbp: gbp quid
pound: pound pounds
pence: pence
rupee: rupee rupees rs inr
yen: yen jpy
yuan: yuan cny rmb renminbi
won: krw
kopek: kopek kopeks kopeck kopecks
jiao: jiao
paisa: paisa paise
real: reais
ruble: ruble rubles rouble roubles rub
peso: peso pesos mxn
franc: franc francs chf
krona: krona kronor krone kroner
percent: % percent percentage pct
deg: degree degrees deg
degc: celsius centigrade degc
degf: fahrenheit degf
kelvin: kelvin kelvins
rad: radian radians rad
am: am a.m a.m.
pm: pm p.m p.m.
newton: newton newtons
joule: joule joules
watt: watt watts
kwatt: kilowatt kilowatts
volt: volt volts
hertz: hertz
calorie: calorie calories
acre: acre acres
hectare: hectare hectares
mph: mph
kmh: kmh kph kmph
sqft: sqft
"""
KNOWN = {
    spelled: unit
    for line in _KNOWN_TABLE.strip().splitlines()
    for unit, _, spellings in [line.partition(": ")]
    for spelled in spellings.split()
}
_SINGLE = frozenset("mgslhL")
_SHORT = frozenset(
    table("""
    lb lbs oz ft in of sq cu cm mm km kg mg ml yd mi hr hrs min mins sec mph kph am pm cc pct yen
    """)
)
NOT_UNITS = frozenset(
    table("""
    and or pi sqrt sin cos tan cot sec csc log ln exp mod choose times plus minus
    over to infinity inf oo if not theta alpha beta gamma is are was equals equal
    but than then because since so which where when infty frac cdot else for all any
    root squared cubed hundred thousand million billion trillion undefined half
    third quarter thirds quarters fourths fifths
    """)
)  # fmt: skip
# "sec" is a function name, but behind a number it is a second.
_FUNCTION_OR_UNIT = frozenset({"sec", "in", "min"})
_POWERS = {"square": "^2", "sq": "^2", "squared": "^2", "cubic": "^3", "cu": "^3", "cubed": "^3"}
CURRENCY = {"$": "usd", "€": "eur", "£": "gbp", "¥": "yen", "₹": "rupee"}
MAX_WORDS = 12


def unit_suffix(toks: Tokens) -> tuple[int, str] | None:
    """Where the unit or count noun at the end begins and what it is ("" for a noun that is no known unit).

    None where the tokens end in something else, or are nothing but words.
    """
    for i in range(1, len(toks)):
        if toks[i].kind not in ("text", "word", "let", "op", "cmd"):
            continue
        if (unit := _unit_phrase(toks, i)) is not None:
            return i, unit
    return None


def _unit_phrase(toks: Tokens, start: int) -> str | None:
    first, before = toks[start], toks[start - 1]
    if first.text in ("%", "¢") and start == len(toks) - 1:
        return KNOWN[first.text]
    if first.text == "^" and _texts(toks[start:]) == ["^", r"\circ"]:
        return "deg"
    if first.text == "^" and _texts(toks[start:])[:2] == ["^", r"\circ"]:
        rest = toks[start + 2 :]
        return {"C": "degc", "F": "degf"}.get("".join(_texts(rest)))
    if first.kind not in ("text", "word", "let") or not _may_start(first, before):
        return None
    if first.kind == "let" and start > 2 and toks[start - 2].text in ("^", "_"):
        base = toks[start - 3]
        if base.kind != "num":  # 3n^2 m is a product; 10^2 m is a length
            return None
    if _is_monomial(toks[start:]):
        return None
    words = list(_words(toks[start:]))
    if (
        not words
        or len(words) > MAX_WORDS
        or any(w in NOT_UNITS - _FUNCTION_OR_UNIT for w in words)
    ):
        return None
    return canonical(words)


def _texts(toks: Tokens) -> list[str]:
    return [t.text for t in toks if t.text not in "{}"]


def _may_start(first: Tok, before: Tok) -> bool:
    """A variable behind a number is no unit: 5m and 5 ab stay products, 5 m, 5km and 72clips do not."""
    if (before.kind in ("word", "text") and before.text.lower() not in SCALES) or before.text in (
        "/",
        "-",
        "+",
        "=",
        "<",
        ">",
        ",",
        "^",
        "_",
    ):
        return False
    if before.kind == "let":
        return False
    if before.kind == "cmd" and before.text not in (r"\}", r"\pi", r"\infty"):
        return False
    word = first.text
    if first.kind == "text":
        return len(word) > 1 or word in _SINGLE | {"C", "F"}
    if first.kind == "let":
        return first.gap and word in _SINGLE and before.kind == "num"
    if word.lower() in _SHORT:
        return True
    n_letters = len(word)
    if n_letters == 3:
        return (
            first.gap and before.kind == "num" and re.search("[aeiouy]", word.lower()) is not None
        )
    return n_letters >= 4


def _is_monomial(toks: Tokens) -> bool:
    """Letters that cannot be read as a unit: g h, m^2 n and s^2 are products, m, m^2 and m/s^2 are units."""
    for before, tok, after in zip([None, *toks], toks, [*toks[1:], None], strict=False):
        if tok.kind != "let" or tok.text == "a":
            continue
        is_below = before is not None and before.text.lower() in ("/", "per")
        if before is not None and not is_below:
            if before.kind == "let" or before.text.isdigit() or before.text in ("}", "^"):
                return True
            if before.text.lower() in KNOWN and not (before.text == "kg" and tok.text in "ms"):
                return True
        if after is not None and after.text == "^" and not is_below and tok.text != "m":
            return True
        if after is not None and after.text == r"\cdot" and tok.text in _SINGLE - {"g"}:
            return True  # s \cdot s; newtons come first in N \cdot m
    return False


def _words(toks: Tokens) -> Iterator[str]:
    """The words of a unit phrase; a symbol that cannot be in one gives a word that is refused."""
    i = 0
    while i < len(toks):
        tok = toks[i]
        if tok.kind in ("text", "word", "let"):
            for w in re.findall(r"[A-Za-z]+(?:\.[A-Za-z]+)*\.?|/", tok.text):
                yield w.lower()
        elif tok.text == "^":
            digits = [t.text for t in toks[i + 1 : i + 4] if t.text not in "{}"]
            yield "^" + digits[0] if digits and digits[0] in ("2", "3") else "or"
            i += 3 if toks[i + 1 : i + 2] and toks[i + 1].text == "{" else 1
        elif tok.text == "/":
            yield "/"
        elif tok.text not in (".", "-", "'", "(", ")", r"\cdot"):
            yield "or"
        i += 1


def canonical(words: list[str]) -> str:
    """The unit that words spell: "km", "m^2", "km/h"; "" where it is none that is known."""
    words = [w for w in words if w not in ("u.s.", "us", "of")]
    parts: list[str] = []
    power = ""
    for word in words:
        if word in ("/", "per", "an", "a"):
            if parts and parts[-1] != "/":
                parts.append("/")
        elif word in _POWERS and not parts:
            power = _POWERS[word]
        elif word in _POWERS or word.startswith("^"):
            parts[-1:] = [(parts[-1] if parts else "") + _POWERS.get(word, word)]
        else:
            unit = KNOWN.get(word) or KNOWN.get(word.rstrip(".")) or foreign_units().get(word)
            if unit is None:
                return ""
            parts.append(unit + power)
            power = ""
    joined = "".join(parts).rstrip("/")
    return _SHORTER.get(joined, joined)


_SHORTER = {"mi/h": "mph", "km/h": "kmh", "ft^2": "sqft", "degdegc": "degc", "degdegf": "degf"}
_LOOSE = frozenset(
    frozenset(pair)
    for pair in (("deg", "degc"), ("deg", "degf"), ("pound", "lb"), ("pound", "gbp"))
)
"""What the first of them leaves open, the second says: pounds weigh, or are money."""


def conflict(a: str, b: str) -> bool:
    """Two stated units that are both known and not the same."""
    return bool(a and b and a != b) and frozenset((a, b)) not in _LOOSE
