"""Answers: find the one that a text gives, and decide whether two are the same.

    extract(text)      → Answer(value, found_by) or NoAnswer(reason)
    boxed(text)        → what the last box holds, or the boxes that are one answer
    equal(a, b)        → Verdict: equal, different, unparsed or timeout; symmetric
    key(a)             → a canonical text: answers that the exact stages find equal share it
    reference(a, more) → what to compare with where a source lists several right answers
    group(answers)     → one small integer per answer, equal for equal answers

One judge for filtering, consensus and scoring alike. `official_extract` and `official_equal` repeat
the official LoRID grader's string and numeric stages, its mistakes included, for comparison.
Nothing here evaluates text as code. The parsers are loaded by the first call, the libraries of the
last stage only in a process of their own.

Entry: `api`, re-exported here, and `same`.
Read: `api`, `results`; to find an answer `extraction`, then `marks`, `joined`, `cues`, `phrase`,
    `markup`, `sentences`, `spoken`, `languages`, `translated`, `refusal`, `withdrawn`; to
    compare two `equality`, `compare`, then `read` (text → `forms`) with its parts `spelling`,
    `tokens`, `words`, `units`, `names`, `relations`, `sets`, `quantities`, `expression`, `functions`,
    `progressions`, which are handed the parser as a `reader`; what it is worth `nodes`, `evaluate`, `algebra`,
    `monomials`, `rough`; last `rendered`, `verifier` and `worker`. `official` stands alone; `same` is
    equality for deduplication.
Imports: texts.
"""

from lorid_data.answers.api import (
    boxed,
    equal,
    extract,
    group,
    key,
    official_equal,
    official_extract,
    prepare,
)
from lorid_data.answers.results import Accepted, Answer, FoundBy, NoAnswer, Verdict, Why, reference

__all__ = [
    "Accepted",
    "Answer",
    "FoundBy",
    "NoAnswer",
    "Verdict",
    "Why",
    "boxed",
    "equal",
    "extract",
    "group",
    "key",
    "official_equal",
    "official_extract",
    "prepare",
    "reference",
]
