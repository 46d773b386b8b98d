"""What the questions of a dataset share with those of a test set: pure functions of texts.

Every question is compared with every test question by the longest common subsequence of their
words (rapidfuzz, bit-parallel): 2·|LCS| / (|a| + |b|), the Dice form. Nothing is sampled and no
index can miss a pair. Beside it the counts that others publish: shared runs of 8 words as open-r1
counts them, and of 13 as GPT-3 does (Brown et al. 2020, appendix C).
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

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
_ROWS_AT_ONCE = 256
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
    """The words, numbers and signs that are compared: lower case, without drawings and instructions.

    What says how to write the answer ("Express your answer as a common fraction.") and `[asy]`
    drawings are shared by unrelated questions. Where nothing else is there, they stay.
    """
    return all_words(_INSTRUCTION.sub(" ", without_drawings(question, " "))) or all_words(question)


def all_words(question: str) -> list[str]:
    """The same of the whole text."""
    return [w.replace(",", "") if w[-1].isdigit() else w for w in _WORD.findall(question.lower())]


def compare_all(
    questions: Sequence[Sequence[str]],
    tests: Sequence[Sequence[str]],
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[Alike]:
    """Every pair of question and test question from `ALIKE_FLOOR` on; all pairs are compared.

    Args:
        questions: the words of each question.
        tests: the words of each test question.
        advance: told how many more questions are done.
    """
    import numpy as np
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    alphabet: dict[str, str] = {}
    for test in tests:
        for word in test:
            alphabet.setdefault(word, chr(len(alphabet) + 1))
    coded = ["".join(alphabet[w] for w in test) for test in tests]
    for at in range(0, len(questions), _ROWS_AT_ONCE):
        some = questions[at : at + _ROWS_AT_ONCE]
        queries = ["".join(alphabet.get(w, _OTHER) for w in q) for q in some]
        table = cdist(
            queries,
            coded,
            scorer=Indel.normalized_similarity,
            score_cutoff=ALIKE_FLOOR,
            dtype=np.float32,
            workers=-1,
        )
        for row, test in zip(*np.nonzero(table >= ALIKE_FLOOR), strict=True):
            if some[row] and tests[test]:
                yield Alike(at + int(row), int(test), float(table[row, test]))
        advance(len(some))


def contained(
    questions: Sequence[Sequence[str]], tests: Sequence[Sequence[str]], *, at_least: int = 8
) -> list[tuple[int, int]]:
    """Pairs (question, test) where a longer question holds a whole test question, word for word.

    Args:
        questions: the words of each question.
        tests: the words of each test question.
        at_least: shorter test questions are passed over: they stand everywhere.
    """
    by_start: dict[tuple[str, ...], list[int]] = {}
    for i, test in enumerate(tests):
        if len(test) >= at_least:
            by_start.setdefault(tuple(test[:at_least]), []).append(i)
    found = []
    for row, question in enumerate(questions):
        for at, gram in enumerate(zip(*(question[k:] for k in range(at_least)), strict=False)):
            for i in by_start.get(gram, ()):
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


def n_sharing(
    texts: Iterable[str], tests: Iterable[str], n: int, split: Callable[[str], list[str]]
) -> tuple[int, int]:
    """How many texts share a run of n words with any test text, and how many test texts with any."""
    where: dict[str, list[int]] = {}
    for i, test in enumerate(tests):
        for run in _runs(split(test), n):
            where.setdefault(run, []).append(i)
    n_texts = 0
    hit: set[int] = set()
    for text in texts:
        shared = [run for run in _runs(split(text), n) if run in where]
        n_texts += bool(shared)
        for run in shared:
            hit.update(where[run])
    return n_texts, len(hit)


def _runs(words_of_text: list[str], n: int) -> list[str]:
    return [" ".join(words_of_text[i : i + n]) for i in range(len(words_of_text) - n + 1)]
