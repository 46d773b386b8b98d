"""What a phrase such as "… 72 clips, because 48 + 24 = 72." gives as the answer: "72 clips"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from lorid_data.answers.markup import SIGNS, leading_math, strip_markup
from lorid_data.answers.refusal import EDGE, is_refusal
from lorid_data.answers.sentences import sentence_end
from lorid_data.answers.words import spelled
from lorid_data.texts.characters import narrow


class Kind(Enum):
    """What introduces a phrase, and so how much prose may stand for an answer."""

    LABEL = "label"
    """"Answer:", "####", "-->": a name of up to four words, or a sentence with its only number."""
    VERB = "verb"
    """"The answer is": a name, or a clause that states its only number."""
    MODAL = "modal"
    """"The answer must be", "your answer is": mathematics only."""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that a cue states."""

    value: str
    end: int
    """Where it or its cue ends, whichever comes later."""


_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_CLAUSE = re.compile(
    r"\s*(?:,\s*)?\b(?:because|since|so|which|where|when|as|but|if|however|then|therefore|thus|hence|obtained|found"
    r"|meaning|assuming|given|after|before|that|while|for|and\s+(?:the|this|that|it|we|so|not|therefore)|not|rather\s+than|instead\s+of|(?:or\s+)?equivalently|in\s+other\s+words|i\.e|END)\b|\s*\[END|(?<=[\w%]):\s+(?=\d*\s?[A-Za-z])|\s*;|\s+[–—-]\s+(?=[A-Za-z]{2})|\s*--"
)
_LEAD = re.compile(
    r"\s*(?:(?:is|are|was|be|that|therefore|thus|hence|then|simply|just|exactly|approximately|about|around|roughly|only|indeed|still|clearly"
    r"|probably|likely|now|also|equal\s+to|given\s+by|(?:found|calculated|computed|determined)\s+to\s+be|option|choice|either(?=\s[-$\d\\(]))\b|(?:\.\.\.|…)(?=\s*[-$\d\\])|\([A-Za-z ]{4,40}\)(?=\s)|≈|=(?!=)|:|：|\\approx(?![A-Za-z])|\})\s*",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:greater|less|more|fewer|larger|smaller)\s+than\b|\bat\s+(?:least|most)\b|\bnot\b|\bbetween\b|n't\b|\b(?:cannot|exceed\w*|divisible)\b"
    r"|\b(?:minus|plus|times|by|over|than)\s+\d|\b(?:multiple|factor|divisor|sum|difference|product|quotient|power|root|one|any|some|step|part|page|line|problem|question|case|method)s?\s+(?:of\s+|by\s+)?\(?\d",
    re.IGNORECASE,
)
"""Near the only number of a sentence, this says that it is not the answer itself."""
_NUMBER = re.compile(
    r"(?<![\w.^_/])(?<![^*]\*)[-−+]?\s?(?:US)?[$€£]?\s?[-−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s?/\s?\d+)?%?(?!\w)"
)
_STATED = re.compile(
    r"(?:that\s+)?(?:he|she|it|they|there|we|you|each|every|both|all|[A-Z][\w'’]+|(?:the|his|her|their)\s+\w+)\b",
)
"""How a clause begins that states something of somebody."""
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|can|gets?|got|needs?|costs?|pays?|paid|earns?|earned|makes?|made|spends?|spent|sells?|sold"
    r"|weighs?|takes?|took|equals?|receives?|owes?|saves?|eats?|ate|reads?|runs?|walks?|travels?|buys?|bought|remain\w*|left|should|must|meets?|met|shares?|lasts?|arrives?|finish(?:es)?|contains?|holds?|uses?|drives?|drinks?|wins?|works?)\b",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    r"(?:in\s+total|altogether|overall|(?:an?|the)\s+(?:grand\s+)?(?:total|number|value|amount|integer|fraction|price|cost|probability|ratio)(?:\s+(?:of|is))?:?)\s+(?=[-−$€£\d])",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\bonly\s+(?:if|when|for)\b|\bor\s+(?:maybe|perhaps|possibly|something)\b|\b(?:hard\s+to\s+say|according\s+to)\b"
)
"""An answer under a condition, among others, or of somebody else."""
_APPOSITION = re.compile(r",\s+([-−$€£]{0,2}\d[\d,./]*%?(?:\s[A-Za-z]+){0,2})$")
"""The number at the end of "the sum, 72"."""
_PROSE = re.compile(
    r"(?:the|a|an|that|his|her|their|our|its|she|he|it|we|you|they|i|this|each|every|all|both|there|these|those|by|from|with|using|because|since)\b",
    re.IGNORECASE,
)
_COPULA = re.compile(r"\b(?:is|are|was|were|equals|be|=|:)\s+", re.IGNORECASE)
CHOICE = re.compile(
    r"\(?([A-H])\)[.:]?\s+\S"
    r"|\\(?:text|textbf|mathrm)\s?\{\(?([A-H])\)?\}(?:\\[ ,;:]|~|\s|\\q?quad)+\S"
)
"""A choice with its text: "(C) 24"."""
_REMARK = re.compile(r"(?:\s+|(?<=\d))\((?!-?\s?(?:inf|oo))(?=[^()]*[A-Za-z]{3})[^()]*\)\s*$")
_KNOWN_WORDS = re.compile(r"(?:no|infinitely|all|real|none|right|equal|isosceles|scalene)\b")
_TYPESET = re.compile(
    r"<<[^<>\n]{0,200}>>|</?(?:b|i|em|strong|u|code|mark|span|p)>|==(?=[^=\s][^=\n]*==)|(?<=[^=\s])==(?!=)|\*\*(?=\s|$|[.,])"
)
"""Calculator annotations, and emphasis that does not stand at an end."""
_NEXT_LINE = re.compile(r"\s*\n\s*=(?![=\s]*\n|=)")
"""A computation that goes on in the next line."""
_LONG = re.compile(r"(?<![\\A-Za-z])[a-z]{3,}(?![(A-Za-z])")
_IN_DIGITS = re.compile(r"\s\(\d[\d,.]*\)")
"""Behind a number in words: "eight (8)"."""
_SMILEY = re.compile(r"\s+[:;]-?[)D(P]$")
_STORY = frozenset(["is", "are", "was", "were", "that", "what", "and", "he", "she", "they", "it", "left", "in", "per", "for", "than", "over", "a", "to", "at", "on", "of"])  # fmt: skip
MAX_WORDS = 4


def answer_phrase(segment: str, kind: Kind) -> str:
    """The answer at the start of what follows a cue, or the empty text.

    Mathematics between delimiters is taken whole. Else the sentence is cut where an explanation
    begins; prose gives an answer only where it is a name or holds exactly one number. A question
    and an expression that breaks off give none.
    """
    if re.match(r"[^\S\n]*\n\s*1[.)](?:\s|$)", segment):
        return ""  # a list of steps begins
    if segment.strip() in ("a", "an"):
        return ""  # breaks off
    segment = _skip_lead(_TYPESET.sub("", _NEXT_LINE.sub(" =", segment)))
    if instead := _INSTEAD.match(segment):
        segment = _skip_lead(segment[instead.end() :])
    if not segment or is_refusal(segment):
        return ""
    if _BOX.search(segment[:200]):
        return ""  # the box itself was looked at before any cue
    if (found := _stated_first(segment, kind)) is not None:
        return found
    sentence = _first_sentence(segment)
    if not sentence or is_refusal(sentence) or _is_question(segment):
        return ""
    if _OPEN.search(sentence):
        return ""
    if starts_like_an_answer(sentence):
        found = _before_clause(sentence)
        is_prose = found[:1].isalpha() and "=" not in found and len(_LONG.findall(found)) > 2
        return "" if is_prose or _is_broken_off(found) else found
    return "" if kind is Kind.MODAL else _from_prose(sentence, kind)


def _stated_first(segment: str, kind: Kind) -> str | None:
    """Yes, no, mathematics between delimiters or the value of a symbol; None where none stands in front."""
    if said := _YES_NO.match(segment):
        return said[1]
    math, rest = leading_math(segment)
    if math:
        if value := _value_of(math, rest, kind):
            return value
        math = _result(strip_markup(math))
        return "" if is_refusal(math) or _is_question(rest) else math
    symbol = _SYMBOL.match(segment)
    return _value_of(symbol[1], segment[symbol.end() :], kind) if symbol else None


_INSTEAD = re.compile(
    r"not\s[^.;:!?\n]{1,60}?,?\s(?:but(?:\s(?:rather|instead|actually))?|rather)\s+(?=\S)"
)
"""Not 18 but 20."""
_YES_NO = re.compile(
    r"(yes|no)(?:[.!]*\s*$|[,;:.!—–]+\s+(?![-−]?[$€£]?\d)|\s+(?:because|since|as)\b|\n)",
    re.IGNORECASE,
)
_SYMBOL = re.compile(
    r"((?!(?:A|I|a)\b)[A-Za-z](?:_\w+)?(?:\([^()\n]{1,20}\))?)(?=\s(?:is|must|equals?|should|has|measures?|comes?)\b)"
)
_IS = re.compile(
    r"\s*(?:must|should|has\s+to|needs\s+to|can\s+only|will)?\s*(?:be\s+equal\s+to|is\s+equal\s+to|equals?|is|are|be"
    r"|measures?|has\s+(?:an?\s+)?(?:maximum|minimum|value|sum|limit|measure|length|area|volume|degree|order|period|radius|slope)(?:\s+value)?(?:\s+of)?|comes?\s+to|=)\s+(?:equal\s+to\s+|exactly\s+)?"
)


_IN_BRACKETS = re.compile(r"\([^()]*\)")


def _value_of(name: str, rest: str, kind: Kind) -> str:
    """8 in "$f(3)$ is $8$": what is said of a name that is no number itself; else the empty text."""
    said = _IS.match(rest)
    if said is None or not re.search(r"[A-Za-z]", name) or "=" in _IN_BRACKETS.sub("", name):
        return ""
    value = answer_phrase(rest[said.end() :], kind)
    return value if re.search(r"\d|\\", value) else ""


def _skip_lead(segment: str) -> str:
    before = None
    while before != segment:
        before = segment
        segment = SIGNS.sub("", segment.lstrip(EDGE + ","))
        if lead := _LEAD.match(segment):
            segment = segment[lead.end() :]
    return segment


def _first_sentence(segment: str) -> str:
    end = sentence_end(segment)
    return strip_markup(segment[: end.start()] if end else segment)


def _is_question(segment: str) -> bool:
    end = sentence_end(segment)
    return end is not None and end[0] in ("?", "？")


_FUNCTION = re.compile(
    r"(?:sqrt|cbrt|log|ln|exp|sin|cos|tan|cot|sec|csc|arc(?:sin|cos|tan)|gcd|lcm|floor|ceil(?:ing)?|max|min|abs|mod|binom(?:ial)?"
    r"|factorial|nCr|[A-Z])\s?(?:_\w+\s?|\^\{?-?\d+\}?\s?)?\((?=[^()\n]*[\w∞°])"
)
"""The name of a function before its bracket; a single capital only with a bracket right behind it."""


def starts_like_an_answer(sentence: str) -> bool:
    """Whether mathematics stands in front: a number, a sign, a bracket, a function, a name with `=`."""
    if not sentence.startswith("（"):  # as often a remark, and its commas are read as a clause's
        sentence = narrow(sentence)
    if re.match(
        r"(?:negative|minus)\s+\d|[-−–+±](?!\s+[A-Za-z]{2})|[(\[{|√π∞.<]|\\|[$€£₹¥]|\d|(?:US\$|Rs\.?|INR|USD|EUR|GBP)\s?(?=[\d$])|(?:pi|infinity|infty|inf)\b",
        sentence,
    ):
        return True
    if _FUNCTION.match(sentence):
        return True
    return (
        re.match(
            r"[A-H]\)\s|[A-Za-z](?:_\{?\w+\}?|\w{0,2})(?:\([a-z]\)|!!?)?\s*[=<>≤≥+*/^-]|(?!a\b)[A-Za-z]\(|[A-Za-z](?:!{1,2}(?![!\w])|$)",
            sentence,
        )
        is not None
    )


def _is_broken_off(value: str) -> bool:
    r"""Whether an expression ends in an operator or with a brace open: "48 +", `\frac{1}{`."""
    return re.search(r"[-+*/=×÷^({\[]$", value) is not None or value.count("{") > value.count("}")


def _before_clause(sentence: str) -> str:
    sentence = _SMILEY.sub("", _REMARK.sub("", sentence))
    if _REMARK.fullmatch(" " + sentence):
        return ""
    if re.search(
        r"\b(?:more|less|fewer|greater|larger|smaller|times)\s+(?:than|as\s+\w+\s+as)\s+[$€£]?\d",
        sentence,
    ):
        return ""  # 10 more than 5 is not 10
    if angled := re.fullmatch(r"<([^<>=]+)>", sentence):
        sentence = angled[1]
    if letter := CHOICE.match(sentence):
        return letter[1] or letter[2]  # "(C) 24": the choice, with its text
    cut = _CLAUSE.search(sentence)
    kept = strip_markup(sentence[: cut.start()] if cut else sentence)
    return _without_story(_result(kept))


def _result(kept: str) -> str:
    """What a computation comes to: 72 in "48 + 24 = 72"."""
    arithmetic = re.fullmatch(
        r"(?:[-−+*/×÷().,$\d\s%!^|]|\b(?:C|P|gcd|lcm|floor|ceil|max|min|sqrt|binom|choose|mod)\b)+=\s*([^=]+)",
        kept,
    )
    if arithmetic is None and kept.count("=") > 1 and not re.search(r",|;|\b(?:and|or)\b", kept):
        arithmetic = re.fullmatch(r".*=\s*([^=]+)", kept)
    return strip_markup(arithmetic[1]) if arithmetic else kept


_AFTERTHOUGHT = re.compile(r"(?<=[A-Za-z]),\s*(?!and\b|or\b)[A-Za-z][A-Za-z ]*$")
"""72 clips, altogether."""


def _without_story(kept: str) -> str:
    """A number with its unit; what a story or a calculation in brackets adds is cut."""
    if negative := re.match(r"(?:negative|minus)\s+(?=\d)", kept):
        kept = "-" + kept[negative.end() :]
    if money := re.match(r"(?:Rs\.?|INR|USD|EUR|GBP)\s?(?=\d)", kept):
        return money[0] + _without_story(kept[money.end() :])
    number = _NUMBER.match(kept) or re.match(r"[-−]?\d[\d,.]*(?=[^\x00-\x7f°²³π√]{1,4}$)", kept)
    if number is None:
        return kept
    rest = re.sub(r"\s\([^()]*\)$|^[^\x00-\x7f°²³π√]{1,4}$", "", kept[number.end() :])
    rest = _AFTERTHOUGHT.sub("", rest)
    words = rest.split()
    n_unit = next((i for i, word in enumerate(words) if word in _STORY), len(words))
    if re.search(r"[^\w\s,.'’-]|\d", rest) or (
        max(n_unit, len(words) - n_unit) == len(words) <= MAX_WORDS and n_unit
    ):
        return number[0] + rest
    return strip_markup(" ".join([number[0], *words[:n_unit][:MAX_WORDS]]))


def _from_prose(sentence: str, kind: Kind) -> str:
    """A short name such as "Evelyn", or the only number that a sentence states."""
    sentence = _IN_DIGITS.sub("", _DOLLARS.sub(r"\1", sentence))
    sentence = _CONDITION.sub("", sentence, count=1)
    if stated := stated_last(sentence):
        return stated
    cut = _CLAUSE.search(sentence)
    name = strip_markup(sentence[: cut.start()] if cut else sentence)
    if not re.search(r"\d", name):
        return name if _is_name(name, sentence, kind) else ""
    if _COMPARED.search(sentence) or re.search(r"\d\s?[\^*/]|[\^_]\s?\d|\w\(", sentence):
        return ""  # the numbers of a formula answer nothing by themselves
    if last := _APPOSITION.search(sentence):
        return last[1]
    if total := _TOTAL.match(sentence):
        return _before_clause(sentence[total.end() :])
    if kind is Kind.VERB and not (_STATED.match(sentence) and _FINITE.search(sentence)):
        return ""
    numbers = _NUMBER.findall(sentence)
    if len(numbers) == 2:
        numbers = _NUMBER.findall(_COUNTED.sub("", sentence))
    if len(numbers) == 1:
        return str(numbers[0]).strip()
    said = _COPULA.split(sentence)[-1]
    found = _NUMBER.match(said)
    return found[0].strip() if found else ""


_DOLLARS = re.compile(r"\$([-−]?\d[\d.,/]*)\$(?!\d)")
_CONDITION = re.compile(
    r"^(?:with|for|since|because|as|when|from)\s[^,.;]{2,60},\s+(?=[a-z])", re.IGNORECASE
)
"""What comes before the clause that answers: "with $n = 8$ sides, the polygon has 20 diagonals"."""
_COUNTED = re.compile(r"\b(?:the|these|those|all)\s\d+(?=\s[A-Za-z]+s\b)")
"""How many do something: "the 2 trains meet after 4 hours" answers 4."""
_NAMED = re.compile(r"(?P<count>(?!))?[A-Za-z][A-Za-z '’-]{0,40}\s*=\s*(?=[-−+(\[{\\$√π\d])")
_CASES = re.compile(r"\b(?:when|if|for)\b.*(?:,|;|\band\b|\bor\b).*\b(?:when|if|for|otherwise)\b")
"""n when n is even and n + 1 when n is odd: no single value."""
_DENIED = re.compile(r"\b(?:not|never|cannot|except)\b|n't\b")
_SUBJECT = re.compile(
    r"(?:(?:the|our|its|their|his|her)\s.{2,160}\s(?:is|are|was|equals?|be|(?:has|have|attains|reaches|takes)\s(?:an?|its|the)\s(?:maximum|minimum|maximal|minimal|least|greatest|value|sum|limit|area|volume|length|order|degree|period)(?:\svalue)?\sof)|(?P<count>there\s(?:are|is|were|will\s+be)))\s+(?:equal\s+to\s+|exactly\s+)?"
    r"(?=[-−+(\[{\\$€£√π\d]|[A-Za-z]\s?[\^_(]|(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]+teen|[a-z]+ty)\b)",
    re.IGNORECASE,
)


def stated_last(sentence: str) -> str:
    """What a whole sentence comes to: "Total = 7", "the number of points that lie inside is 19"."""
    subject = _NAMED.match(sentence) or _SUBJECT.match(sentence)
    if subject is None or _DENIED.search(sentence[: subject.end()]):
        return ""
    said = sentence[subject.end() :]
    if _CASES.search(said):
        return ""
    math, rest = leading_math(said)
    if math:
        return _result(strip_markup(math)) if re.match(r"\W*$|,?\s", rest) else ""
    cut = _CLAUSE.search(said)
    if spelled(strip_markup(said[: cut.start()] if cut else said)) is not None:
        return strip_markup(said[: cut.start()] if cut else said)
    return _formula(said[: cut.start()] if cut else said, is_count=subject["count"] is not None)


def _formula(said: str, *, is_count: bool) -> str:
    """The pieces at the start that are no words: 2^n - 1 in "2^n - 1 such subsets", 19 in "19 points"."""
    pieces = said.split()
    end = len(pieces)
    for i, piece in enumerate(pieces):
        if re.match(r"[A-Za-z]{2,}", piece) and not _FUNCTION.match(piece):
            is_joint = piece in ("and", "or", "mod") and re.match(
                r"[-−+$(\\\d]", " ".join(pieces[i + 1 : i + 2])
            )
            if not is_joint:
                end = i
                break
    value = " ".join(pieces[:end])
    if (len(pieces) - end > MAX_WORDS and not is_count) or re.search(r"[-+*/=(]$", value):
        return ""
    value = _result(strip_markup(value))
    return value if re.search(r"\d|\\|\(", value) else ""


def _is_name(name: str, sentence: str, kind: Kind) -> bool:
    r"""Whether up to four words can be an answer: "Evelyn", "right triangle", "no solution".

    Behind "the answer is" several words that begin in lower case tell of the answer instead of
    giving it, a few phrases of mathematics excepted.
    """
    words = name.split()
    if not 0 < len(words) <= MAX_WORDS or _PROSE.match(name) or "," in name:
        return False
    if kind is Kind.LABEL or _KNOWN_WORDS.match(name):
        return True
    return (
        any(spelled(" ".join(words[:n])) is not None for n in range(1, len(words) + 1))
        or name[0].isupper()
        or (len(words) == 1 and name == strip_markup(sentence))
    )
