"""Cue phrases: "The answer is 72.", "**Final answer:** 72", "so 72 is our answer".

A cue that states nothing is passed over: a question, an assumption, what somebody else says, the
answer of another problem. What is left says how its words may be read (`Kind`).
"""

from __future__ import annotations

import re

from lorid_data.answers.markup import strip_markup
from lorid_data.answers.phrase import Kind, Said, answer_phrase, stated_last
from lorid_data.answers.refusal import is_refusal
from lorid_data.answers.results import table
from lorid_data.answers.sentences import sentence_end
from lorid_data.answers.spoken import last_spoken

MAX_CUES = 100
"""Only the last of them are looked at."""
_AHEAD = 400
_BEHIND = 160
_BEHIND_WORD = 40

_OF = (
    r"(?:\s{1,4}(?:to|for|in|of|that|we|i|here|then)\b(?:\"[^\"\n]{0,200}\"|[^.:;?!\n=\"]){0,80}?"
    r"|,\s[^,.:;?!\n]{1,40}(?=,\s))?"
)
_ADVERB = r"(?:,?\s{0,4}(?:therefore|then|thus|hence|now|simply|also),?)?"
_CLOSERS = r"[\"'*_}\s)\]]{0,6}"
_CUE = re.compile(
    rf"""(?<![A-Za-z])(?<!def\ )(?:
        answers?(?P<of>{_OF}){_ADVERB}[\s*_,]{{1,8}}
          (?:(?P<modal>(?:must|should|would|will|has\ to|needs\ to|ought\ to|to)(?:\s(?:then|thus|therefore|also))?\s{{1,4}}be)
            |(?P<denied>(?:is|are|was|were)n['’]t)(?=\s[^.;:!?\n]{{1,60}}?,?\s(?:but|rather)\s)
            |(?:is|are|was|were)(?!\s(?:looking|asked|seeking|trying|going))|equals?|becomes|(?:comes|works|turns)\s{{1,4}}(?:out\s{{1,4}})?to(?:\s{{1,4}}be)?)(?![A-Za-z])
      | answer\ of(?=\s[-$\\\d*(])
      | (?:making|giving|makes|gives)\ (?:the|our|a|an)\ (?:final\ )?answer(?=\s[-$\\\d*(])
      | (?:correct|right|best)\ (?:option|choice)(?P<choice>\ is|:)
      | (?:answers?|ans)\s?(?:\([^()\n]{{1,40}}\))?(?P<label>{_CLOSERS}[:=：])
      | ans(?P<short>\.\s|\)\s)
    )
    | ^[\ #*_>✅🎯📌]{{0,8}}(?:the\ )?final\ answer{_CLOSERS}(?P<dash>[-–—→]|(?=[-$\\\d]))
    | ^[\ #*_>✅🎯📌]{{0,8}}(?:the\ )?(?:final\ )?answer{_CLOSERS}(?P<dash2>[-–—→.](?=\s))
    | ^[\ #*_>✅🎯📌]{{0,8}}(?:the\ )?(?:final\ )?answer[\ *_]{{0,8}}(?P<line>\n)""",
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_LABELS = ("label", "short", "dash", "dash2", "line")
_OWNER = (
    r"(?:\s+that)?(?:\s+(?:the|my|our|your|his|her|their))?(?:\s+(?:final|correct|right|actual))?"
)
_UNSTATED = re.compile(
    rf"""\b(?:if|whether|suppose|assum\w+|imagine|unless|pretend|(?<!can\ )say|let(?:'s|\ us|\ me)\ (?:say|guess|pretend)(?:\ that)?|when|maybe|perhaps|possibly|could|might|may|once|until
        |(?:want|need|expect|require|doubt|unlikely|impossible|untrue|false|wrong|not\ (?:true|correct|right|the\ case)|cannot\ say|can't\ say)(?:\ that)?
        |not\ sure|unsure|not\ certain|not\ clear|no\ idea|(?:don't|do\ not)\ (?:think|believe|know)(?:\ what)?|how|why|what
        |(?<!\bi\ )(?<!\bwe\ )(?:thinks?|thought|says|said|claims?|claimed|believes?|believed|guess(?:es|ed)|suggests?|argues?|insists?|states?|tells?|writes|wrote)
        |incorrect|wrong|previous|initial|earlier|sample|example)
        {_OWNER}\s*$""",
    re.IGNORECASE | re.VERBOSE,
)
"""Right before a cue, this says that it states nothing: "if the answer is 5"."""
_NEAR = frozenset(
    table("""
    the our my your this that an a and so thus hence therefore then is as or get final correct right exact actual required desired
    requested numerical numeric simplified short quick complete full overall resulting only best possible two three both all
    """)
)
"""Words that may stand right before "answer"; "Tom's answer" and "a wrong answer" are not the text's own."""
_RESULT = re.compile(r"\b(?:so|thus|hence|therefore)\b", re.IGNORECASE)
_OTHER = re.compile(
    r"\b(?:previous|last|first|other|another|earlier|similar|next|original)\s+(?:problem|question|part|example|exercise|one)\b|\bthat\s(?!we\b|i\b|is\b|satisf)",
    re.IGNORECASE,
)
_STILL = re.compile(
    r"\b(?:calculat|comput|determin|evaluat)\w*\s+(?:(?:the|our|my)\s+)?(?:final\s+)?$",
    re.IGNORECASE,
)
_IF = re.compile(r"\b(?:if|suppose|imagine)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?](?=\s|$|[*\"'])|\n")
_NUMBER = r"[-−]?(?:US)?[$€£]?[-−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:/\d+)?%?"
_BACKWARD = re.compile(
    r"(?:,?\s(?:which|and\s(?:this|that|it)))?\s(?:is|are|as|being)(?:\s(?:indeed|therefore|thus|then|also))?\s"
    r"(?:the|our|my)(?:\s(?:final|correct|right|required|desired|exact)){0,2}\sanswer(?![A-Za-z])(?!\s?[:=(])"
    r"|\s(?:is|are)\s(?:the\s)?(?:correct|right)(?:\s(?:option|choice))?(?=\s?[.!*\n]|\s?$)",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    rf"(?:(?P<math>\$[^$\n]{{1,100}}\$|\\\([^\n]{{1,100}}?\\\))|(?P<number>(?<![\w.,/^$]){_NUMBER}(?:\s[A-Za-z°]+){{0,2}})"
    r"|(?P<letter>\([A-H]\)|(?:option|choice)\s\(?[A-H]\)?))[*_]{0,3}$",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\b(?:if|whether|not|suppose|assum\w+|unless|why|maybe|perhaps|might|could|thinks?|doubt|unlikely|impossible|guess|rul(?:e|ed|es|ing)\ out|(?:exclud|eliminat|reject|discard)\w*)\b|n['’]t\b"
    r"|\b(?:he|she|they|friend|students?|people|someone|book|teacher|others?)\s(?:got|gets?|gave|had|has|found|wrote|chose|picked)\s*$",
    re.IGNORECASE,
)


def has_cue(line: str) -> bool:
    """Whether a cue phrase stands in a line."""
    return _CUE.search(line + "\n") is not None


def last_said(text: str) -> Said | None:
    """The answer that the last cue phrase with an answer states, in English or another language."""
    found = [said for said in (_last_in_english(text), last_spoken(text)) if said is not None]
    return max(found, key=lambda said: said.end, default=None)


_WORDS = re.compile(r"answer|\bans\b|option|choice", re.IGNORECASE)
_VERDICTS = re.compile(r"answer|correct|right", re.IGNORECASE)
"""One of these is in every cue: the patterns of cues are slow, and look only around them."""


def _around(
    pattern: re.Pattern[str], words: re.Pattern[str], text: str, behind: int, ahead: int
) -> list[re.Match[str]]:
    """The last matches of a pattern near the last `MAX_CUES` occurrences of a word; time grows with those alone."""
    found: list[re.Match[str]] = []
    done = 0
    for word in list(words.finditer(text))[-MAX_CUES:]:
        for m in pattern.finditer(text, max(done, word.start() - behind), word.end() + ahead):
            found.append(m)
            done = m.end()
        done = max(done, word.start() - behind)
    return found


def _last_in_english(text: str) -> Said | None:
    cues = [
        *_around(_CUE, _WORDS, text, _BEHIND_WORD, _AHEAD),
        *_around(_BACKWARD, _VERDICTS, text, _BEHIND, 12),
    ]
    for m in sorted(cues, key=lambda m: m.start(), reverse=True):
        if m.re is _BACKWARD:
            value, end = _stated_before(text, m), m.end()
        else:
            value = _stated(text, m)
            end = max(m.end(), text.find(value, m.end()) + len(value))
            if value.lower() in ("yes", "no") and (stop := sentence_end(text, end)):
                end = stop.end()  # "No, it is not possible" takes nothing back
        if value:
            return Said(value, end)
    return None


def _stated(text: str, m: re.Match[str]) -> str:
    before = text[max(0, m.start() - _BEHIND) : m.start()]
    said_before = list(_SENTENCE.split(before))[-1]
    if (
        '"' not in (m["label"] or "")
        and before.endswith('"')
        and text[m.end() : m.end() + 2].strip().startswith('"')
    ):
        return ""  # the words themselves: put it after "Answer:"
    word = re.search(r"([A-Za-z'’]+)[ *_]+$", said_before)
    if word and "answer" in m[0].lower() and word[1].lower() not in _NEAR:
        is_result = _RESULT.search(said_before) and word[1].lower() in ("his", "her", "their")
        if not is_result:
            return ""
    if _UNSTATED.search(said_before) or _OTHER.search(m["of"] or ""):
        return ""
    if m["modal"] and _is_conditional(text, m, said_before):
        return ""
    if m["label"] and text[m.end() :].lstrip(" *").startswith("\n") and _STILL.search(said_before):
        return ""  # "Let's calculate the final answer:" and lines of computations
    kind = Kind.LABEL if any(m[name] for name in _LABELS) else Kind.VERB
    if m["dash"] == "":
        kind = Kind.LABEL
    if m["modal"] or re.search(r"\byour\s(?:\w+\s)?$", before, re.IGNORECASE):
        kind = Kind.MODAL
    if m["label"] and '"' in m["label"]:
        return _json_value(text[m.end() : m.end() + _AHEAD])
    denied = "not" if m["denied"] else ""
    return answer_phrase(denied + text[m.end() : m.end() + _AHEAD], kind)


def _is_conditional(text: str, m: re.Match[str], said_before: str) -> bool:
    """Whether an answer that must or would be has its condition in the same sentence: "would be 10 if …"."""
    if not m["modal"].lower().startswith("would"):
        return _IF.search(said_before) is not None
    ahead = text[m.end() : m.end() + _AHEAD]
    end = sentence_end(ahead)
    return _IF.search(said_before + (ahead[: end.start()] if end else ahead)) is not None


def _json_value(rest: str) -> str:
    found = re.match(
        r'\s*(?:"((?:[^"\\\n]|\\.){0,300})"|\'([^\'\n]{0,300})\'|(-?[\d.,eE/]*\d))', rest
    )
    value = strip_markup(next((g for g in found.groups() if g is not None), "")) if found else ""
    return "" if is_refusal(value) else value.replace("\\\\", "\\")


def _stated_before(text: str, m: re.Match[str]) -> str:
    """`72` in "so 72 is our answer"."""
    before = text[max(0, m.start() - _BEHIND) : m.start()]
    said = list(_SENTENCE.split(before))[-1]
    value = _BEFORE.search(said)
    if value is None or _DOUBT.search(said[: value.start()]):
        return ""
    if "answer" not in m[0].lower() and not value["letter"]:
        return ""
    shown = value["letter"].split()[-1] if value["letter"] else value[0]
    return strip_markup(shown)


_OPTIONS = re.compile(r"^[ \t(*]{0,4}[B-H]\s?[:.)]", re.MULTILINE)
_LAST_LINE = re.compile(r"(?:^|\n)[ \t*]{0,4}A[ *]{0,3}[:：][ \t*]*(\S[^\n]{0,200})\s*$")


_LONE = re.compile(
    r"\s*(?:(?:so|thus|hence|therefore),?\s|[A-Z][^.,;:!?\d]{2,60},\s)?(?=the\s(?:total\s)?number\sof\s)",
    re.IGNORECASE,
)


def last_line(text: str) -> Said | None:
    """`A: 18` as the last line, where no `B:` makes it one of several choices; or a count, if a text says nothing else."""
    if len(text) < _AHEAD and (count := _LONE.match(text)) is not None:
        end = sentence_end(text, count.end())
        is_all = end is not None and not text[end.end() :].strip()
        value = stated_last(text[count.end() : end.start()]) if end is not None and is_all else ""
        return Said(value, len(text)) if value else None
    found = _LAST_LINE.search(text[-_AHEAD:])
    if found is None or _OPTIONS.search(text):
        return None
    stop = sentence_end(found[1])
    if stop is not None and found[1][stop.end() :].strip(" *"):
        return None  # a story
    value = answer_phrase(found[1], Kind.MODAL)
    return Said(value, len(text)) if value else None
