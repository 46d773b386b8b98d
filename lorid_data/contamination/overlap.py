"""What the questions of a dataset share with those of a test set: pure functions of texts.

Every question is compared with every test question by the longest common subsequence of their
words (rapidfuzz, bit-parallel): 2·|LCS| / (|a| + |b|), the Dice form. Nothing is sampled and no
index can miss a pair. Beside it the counts that others publish: shared runs of 8 words as open-r1
counts them, and of 13 as GPT-3 does (Brown et al. 2020, appendix C).
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lorid_data.texts.characters import plain
from lorid_data.texts.latex import without_drawings

ALIKE_FLOOR = 0.5
"""Pairs below are not kept."""
_WORD = re.compile(
    r"(?:(?<![\w)\]}])-)?(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?|[^\W\d_]+|[+\-*/=<>^%]"
)
"""A number with its sign and without the commas between its thousands; a word; a sign."""
_INSTRUCTION = re.compile(
    r"\b(?:please )?(?:express|give|enter|write|leave|round|submit) "
    r"(?:your|the|each|all(?: of)?(?: your| the)?|any) (?:final )?(?:answers?|solutions?)\b[^.?!]*[.?!]?",
    re.IGNORECASE,
)
_OTHER = "\x00"
"""A word that the test set does not hold; it matches nothing."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Two questions with many words in common.

    Attributes:
        row: index of the question.
        test: index of the test question.
        fraction: of the words that stand in both, in order; `ALIKE_FLOOR` to 1.
    """

    row: int
    test: int
    fraction: float


def words(question: str) -> list[str]:
    """The words, numbers and signs that are compared: lower case, forms of characters as one, without drawings and instructions.

    What says how to write the answer ("Express your answer as a common fraction.") and `[asy]`
    drawings are shared by unrelated questions. Where nothing else is there, they stay.
    """
    return compared_words(question, all_words(question))


def compared_words(question: str, whole: list[str]) -> list[str]:
    """The same of a question of which `all_words` are known: of most they are those."""
    question = plain(question)
    bare = _INSTRUCTION.sub(" ", without_drawings(question, " "))
    return whole if bare == question else all_words(bare) or whole


def all_words(question: str) -> list[str]:
    """The same of the whole text."""
    found = _WORD.findall(plain(question).lower())
    return [w.replace(",", "") if "," in w else w for w in found]  # a comma is in numbers alone


@dataclass(frozen=True, slots=True)
class Coded:
    """The words of test questions, a character for each distinct word: what rapidfuzz compares fastest."""

    alphabet: dict[str, str]
    texts: list[str]


def coded(tests: Iterable[Sequence[str]]) -> Coded:
    """The words of test questions as characters."""
    alphabet: dict[str, str] = {}
    texts = []
    for test in tests:
        for word in test:
            alphabet.setdefault(word, chr(len(alphabet) + 1))
        texts.append("".join(alphabet[w] for w in test))
    return Coded(alphabet, texts)


def compare(questions: Sequence[Sequence[str]], tests: Coded, *, n_threads: int = 1) -> list[Alike]:
    """Every pair of question and test question from `ALIKE_FLOOR` on; all pairs are compared.

    Args:
        questions: the words of each question; the table that is made has a number for each pair.
        tests: the test questions.
        n_threads: threads that compare; -1 is one a core.
    """
    import numpy as np
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    code = tests.alphabet.get
    queries = ["".join([code(w, _OTHER) for w in q]) for q in questions]
    table = cdist(
        queries,
        tests.texts,
        scorer=Indel.normalized_similarity,
        score_cutoff=ALIKE_FLOOR,
        dtype=np.float32,
        workers=n_threads,
    )
    rows, places = (found.tolist() for found in np.nonzero(table >= ALIKE_FLOOR))
    return [
        Alike(row, test, float(table[row, test]))
        for row, test in zip(rows, places, strict=True)
        if queries[row] and tests.texts[test]
    ]


_Starts = Mapping[tuple[str, ...], Sequence[int]]


def starts_of(tests: Sequence[Sequence[str]], *, at_least: int = 8) -> _Starts:
    """The test questions by their first `at_least` words; shorter ones are left out: they stand everywhere."""
    by_start: dict[tuple[str, ...], list[int]] = {}
    for i, test in enumerate(tests):
        if len(test) >= at_least:
            by_start.setdefault(tuple(test[:at_least]), []).append(i)
    return by_start


def contained(
    questions: Sequence[Sequence[str]], tests: Sequence[Sequence[str]], starts: _Starts
) -> list[tuple[int, int]]:
    """Pairs (question, test) where a longer question holds a whole test question, word for word.

    Args:
        questions: the words of each question.
        tests: the words of each test question.
        starts: `starts_of` them.
    """
    n = len(next(iter(starts), ()))
    found = []
    for row, question in enumerate(questions):
        for at, gram in enumerate(_runs(question, n)):
            for i in starts.get(gram, ()):
                test = tests[i]
                if len(question) > len(test) and list(question[at : at + len(test)]) == list(test):
                    found.append((row, i))
    return list(dict.fromkeys(found))


# --- runs of words, as others count them --------------------------------------------------------


def as_open_r1(text: str) -> list[str]:
    """Words as open-r1's script takes them: lower case, split at white space, punctuation kept."""
    return text.lower().split()


_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def as_gpt3(text: str) -> list[str]:
    """Words as GPT-3's filter takes them: lower case, punctuation removed."""
    return text.lower().translate(_NO_PUNCTUATION).split()


Runs = Mapping[tuple[str, ...], Sequence[int]]
"""Runs of words, and the test questions in which each stands."""


def runs_of(tests: Iterable[str], n: int, split: Callable[[str], list[str]]) -> Runs:
    """The runs of `n` words of test questions."""
    where: dict[tuple[str, ...], list[int]] = {}
    for i, test in enumerate(tests):
        for run in _runs(split(test), n):
            where.setdefault(run, []).append(i)
    return where


def sharing(
    texts: Iterable[str], where: Runs, n: int, split: Callable[[str], list[str]]
) -> tuple[int, frozenset[int]]:
    """How many texts share a run of `n` words with any test question, and which of these they share it with."""
    n_texts = 0
    hit: set[int] = set()
    for text in texts:
        shared = [run for run in _runs(split(text), n) if run in where]
        n_texts += bool(shared)
        for run in shared:
            hit.update(where[run])
    return n_texts, frozenset(hit)


def _runs(words_of_text: Sequence[str], n: int) -> Iterable[tuple[str, ...]]:
    return zip(*(words_of_text[k:] for k in range(n)), strict=False)
