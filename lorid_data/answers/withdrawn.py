"""Whether a text takes its answer back: "That's wrong", "Oops, I meant 20", "the answer is not 18"."""

from __future__ import annotations

import re

_AHEAD = 400
_START = r"""[^A-Za-z0-9]{0,12}(?:(?:wait|hmm+|no|oops|actually|but|hold\ on|however|sorry|uh|oh|well|yet|ah|and|please|unfortunately|edit|update|note|(?:on|upon|after|after\ some)\ (?:reflection|reconsideration|review|(?:second|further)\ thought|(?:re-?)?check(?:ing)?|closer\ (?:look|inspection))(?:\ (?:it|this|again))?)\b[\s,.:!—–-]{0,4}){0,4}"""
_WRONG = r"(?:wrong|incorrect|invalid|mistaken|not\ (?:right|correct|it|possible(?!\ to\b)|true|the\ (?:\w+\ )?answer)|right\ at\ all|impossible(?!\ to\b)|a\ mistake|an\ error|too\ (?:big|small|large|high|low|many|much))"
_DROPPED = re.compile(
    rf"""{_START}
        (?:(?:(?:i|we)(?:'ve|'d|\ now|\ just|\ have|\ can)?\ (?:think|believe|reali[sz]ed?|see|fear|notice|know)\ (?:that\ )?)?(?:(?:that|this|my|the|the\ above|my\ previous|the\ previous)\ (?:answer|result|value|number|solution|one)|the\ above|all\ this|that|this|it|which|he|she|they)?(?:'s|\ ?\bis|\ was|\ can't\ be|\ cannot\ be|\ isn't|\ seems|\ looks|\ must\ be)\s{_WRONG}
        |(?:i|we)\ (?:don't|do\ not|can't|cannot)\ (?:think|believe|see\ how)\ (?:that\ )?(?:that|this|it|(?:my|the|this|that)\ answer)(?:'s|\ is|\ can\ be)\ (?:right|correct|true|possible|valid)
        |(?:that|this|it)\ (?:can't|cannot|can\ not|couldn't)\ be(?=[,.!;\s]*(?:$|because|since|as\b|so\b))
        |(?:that|this|it|which|(?:that|this|my|the)\ (?:answer|value|result))\ (?:does\ not|doesn't|fails\ to|did\ not|didn't)\ (?:satisfy|fulfil|meet|hold|fit|agree|solve)
        |(?:that|this|it|which)\ (?:contradicts|violates|fails\b|leads\ to\ a\ contradiction|gives\ a\ contradiction)
        |(?:that|this|it|my\ answer|the\ answer)\s(?:can't|cannot|isn't|doesn't|does\ not|didn't|did\ not)\s(?:be\ )?(?:right|correct|work|seem|make|look|sound|feel|add\ up|match|check)
        |(?:(?:i|we)\ (?:think|believe|realize|realized|see|fear)\ (?:that\ )?)?(?:i|we)(?:'ve|\ have)?\ (?:made|see|found|miscalculated|miscounted|misread|forgot|messed|meant|mean\b|should\ have|was\ wrong|apologi[sz]e)
        |[\s\S]{{0,200}}?\b(?:this|that|my)\ (?:answer|result|value|solution)(?:'s|\ is|\ was|\ must\ be|\ cannot\ be)\s{_WRONG}
        |there(?:'s|\ is|\ was)\ (?:a|an)\ (?:mistake|error)
        |never\ mind|i\ (?:hereby\ |must\ |have\ to\ |now\ )?(?:(?:take|took)\ (?:that|it|this|(?:my|this|that|the)\ answer)\ back|take\ back|withdraw|retract)|(?:that|this|it)\ was\ (?:a\ )?(?:mistake|error|slip|typo)
        |my\ (?:mistake|bad|error|apologies)|apologies
        |correction\b
        |no[.!]*\s*$|(?:scratch|ignore|strike|disregard|forget|discard)\ (?:that|this|it|the\ above|(?:my|the)\ (?:previous\ )?answer)|(?:let\ me|i'll|let's)\ (?:start\ over|try\ again|redo|correct))""",
    re.IGNORECASE | re.VERBOSE,
)
_RESTATED = re.compile(
    rf"""{_START}(?:correction\s?:?\ |(?:(?:the|my|our)\ )?(?:(?:correct|right|actual|real|true|final|proper)\ )*(?:answer|value|result|total|it|that|this)
        (?:\ (?:is|was|should\ be|must\ be|should\ have\ been|would\ be|has\ to\ be)|'s)(?:\ (?:actually|really|in\ fact|instead|rather))?\ )
        (?P<value>\$?[-−]?[\d.,/]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_SURELY = re.compile(
    r"[^A-Za-z0-9]{0,12}(?:oops|sorry|actually|no\b|wait|correction|but|hmm+|it\ should|that\ should)",
    re.IGNORECASE | re.VERBOSE,
)
_DOUBTED = re.compile(
    r"[^A-Za-z0-9]{0,12}(?:but )?(?:wait|hmm+|hold on|actually|oops)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"(?:\b(?:is|are|was|be|it's|that's|not\s+equal|equals?)\s+(?:definitely\s+|certainly\s+)?not|n't\s+(?:be|equal)|\b(?:isn|aren|wasn)['’]t|\bcannot\s+(?:be|equal)|\bcan\s+not\s+be"
    r"|\b(?:rather\s+than|instead\s+of)|,\s+not|\bnever)(?:\s+(?:simply|just|equal\s+to|be))?[\s$*_:]*(?:\\[(\[])?[\s$*_]*$",
    re.IGNORECASE,
)
_SELF = re.compile(
    r"\b(?:is|was|are)\s+(?:wrong|incorrect|not\s+(?:right|correct))\b", re.IGNORECASE
)


_ITS_WORDS = re.compile(
    r"[\s$*)\]}]{0,6}(?:[A-Za-zÀ-ÿА-я'²³/%°]{1,16}[ ]?){0,3}[^\W\d_]{0,6}[\s$*)\]}]{0,4}[.!。！]\s*"
)
"""A unit, what was counted, a copula, and the end of their sentence."""


def restated(rest: str) -> str:
    """The other value in "Actually the answer is 20", or the empty text."""
    found = _RESTATED.match(rest[:_AHEAD])
    if found is None or not _SURELY.match(rest[:_AHEAD]):
        return ""
    return found["value"].rstrip(".,")


def behind_its_words(rest: str) -> str:
    """What follows an answer without the few words that belong to it: "dollars." of "18 dollars. Actually, no"."""
    return rest[found.end() :] if (found := _ITS_WORDS.match(rest)) else rest


def is_withdrawn(rest: str) -> bool:
    """Whether the text behind the last answer takes it back, or breaks off while it is in doubt."""
    if _DROPPED.match(rest[:_AHEAD]) or _DROPPED.match(behind_its_words(rest)[:_AHEAD]):
        return True
    return _DOUBTED.match(rest[:_AHEAD]) is not None and not re.search(
        r"[.!)$}\]*`\"']\s*$", rest[-40:]
    )


_CALLED_WRONG = re.compile(
    r"[\s$*)}]*\s(?:is|was|must\s+be)\s+(?:clearly\s+|therefore\s+|actually\s+)?(?:wrong|incorrect|invalid|impossible|extraneous|not\s+(?:right|correct|valid|possible(?!\s+to\b)|a\s+solution|the\s+answer))",
    re.IGNORECASE,
)


def is_called_wrong(value: str, rest: str) -> bool:
    """Whether the text behind an answer says of that value that it is wrong: "so x = 4 is wrong"."""
    ahead = rest[:_AHEAD]
    at = ahead.find(value)
    while at >= 0:
        is_whole = not (ahead[at - 1 : at].isalnum() and value[:1].isalnum())
        if is_whole and _CALLED_WRONG.match(ahead, at + len(value)):
            return True
        at = ahead.find(value, at + 1)
    return False


def is_negated(before: str) -> bool:
    """Whether what stands right before an answer denies it: "the answer is not", "instead of"."""
    return _NEGATED.search(before[-60:]) is not None


def denies_itself(content: str) -> bool:
    """Whether a mark holds "18 is incorrect"."""
    return _SELF.search(content) is not None
