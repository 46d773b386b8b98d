"""One spelling of characters: what is the same, what is not, and that every reader goes through it."""

import re
import sys
import unicodedata
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from lorid_data.answers import Verdict, equal
from lorid_data.audit.leaks import answer_leak, copied_question, question_number
from lorid_data.audit.numbers import numbers as audited
from lorid_data.checks.answers import answer_contradicted
from lorid_data.contamination.matches import MatchKind, Questions, find_matches
from lorid_data.contamination.test_set import TestSet
from lorid_data.execution.grounding import grounding
from lorid_data.execution.literals import numbers, percentages
from lorid_data.programs.equations import all_steps
from lorid_data.schema import Provenance, Record, problem_id, sha256_text
from lorid_data.texts.calculate import calculate, number
from lorid_data.texts.characters import in_place, narrow, plain, plain_all, separated
from lorid_data.texts.folding import fold, fold_all, fold_case
from lorid_data.texts.shingles import shingles_of

SCRIPTS = {
    "Devanagari": "०१२३४५६७८९",
    "Arabic": "٠١٢٣٤٥٦٧٨٩",
    "Persian": "۰۱۲۳۴۵۶۷۸۹",
    "Bengali": "০১২৩৪৫৬৭৮৯",
    "Thai": "๐๑๒๓๔๕๖๗๘๙",
    "fullwidth": "０１２３４５６７８９",
    "mathematical": "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
}
PAIRS = [
    ("１２", "12"),
    ("१,२३४.५", "1,234.5"),
    ("١٬٢٣٤٫٥", "1,234.5"),
    ("１，２３４．５", "1,234.5"),
    ("٢٠٪", "20%"),
    ("２０％", "20%"),
    ("−５", "-5"),
    ("－５", "-5"),
    ("Ａｎｎ", "Ann"),
    ("x²", "x^2"),
    ("a₁", "a_1"),
    ("3½", "3 1/2"),
    ("“it’s”", '"it\'s"'),
    ("１\u200b２", "12"),
]
QUESTION = (
    "Ann has 12 red apples and buys 30 more at the market for 1,250 coins. How many does she have?"
)


def in_script(text: str, script: str) -> str:
    return text.translate(dict(zip(map(ord, "0123456789"), SCRIPTS[script], strict=True)))


def test_every_digit_of_unicode_is_one_of_ten() -> None:
    digits = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) == "Nd"]
    assert len(digits) > 600
    for read in (plain, in_place):
        assert [read(d) for d in digits] == [str(unicodedata.decimal(d)) for d in digits]


@pytest.mark.parametrize(("text", "same"), PAIRS)
def test_what_is_one_spelling(text: str, same: str) -> None:
    assert plain(text) == same
    assert plain(same) is same
    assert plain(plain(text)) == plain(text)


def test_places_stay() -> None:
    texts = [*(a for a, _ in PAIRS), "a — b", "½ ﬁ ² ①"]
    for read in (in_place, separated, narrow):
        assert [len(read(t)) for t in texts] == [len(t) for t in texts]
    assert in_place("（−１２）") == "(-12)"
    assert separated("३ और ٣٫٥") == "३ और 3.5"


def test_many_texts_are_read_as_one_is() -> None:
    texts = ["plain", "", *(a for a, _ in PAIRS), "ÉCOLE"]
    given = pl.Series("q", texts)
    assert plain_all(given).to_list() == [plain(t) for t in texts]
    assert plain_all(given, lower=True)[-1] == "école"
    assert given.to_list() == texts
    assert fold_all(given).to_list() == [fold(t) for t in texts]
    ascii_only = pl.Series(["a", "B"])
    assert plain_all(ascii_only) is ascii_only


@pytest.mark.parametrize("script", SCRIPTS)
def test_all_readers_see_the_same_numbers(script: str) -> None:
    told = in_script(QUESTION, script)
    a, b = (shingles_of(pl.Series([t])) for t in (told, QUESTION))
    assert (a.numbers == b.numbers).all()
    assert (a.sums == b.sums).all()
    assert list(numbers(told)) == list(numbers(QUESTION))
    assert [f.value for f in audited(told)] == [f.value for f in audited(QUESTION)]
    assert list(percentages(in_script("20% of 5", script))) == [20]
    assert number(in_script("1,234.5", script)) == Fraction("1234.5")
    assert calculate(in_script("12 * (3 + 4)", script)) == 84
    assert [s.value for s in all_steps(in_script("So 12 * 3 = 36.", script))] == [36]
    assert grounding(told, "print(12 + 30 + 1250)").is_grounded
    assert equal(in_script("1234.5", script), "1234.5") is Verdict.EQUAL


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("where", ["training", "test"])
def test_a_test_question_in_other_digits_is_found(script: str, where: str) -> None:
    told, other = (in_script(t, script) for t in (QUESTION, QUESTION.replace("red", "green")))
    ours = (told, other) if where == "training" else (QUESTION, QUESTION.replace("red", "green"))
    theirs = QUESTION if where == "training" else told
    tests = TestSet("t", "0" * 64, ("t",), (theirs,), (in_script("42", script),))
    found = find_matches(Questions(("a", "b"), ours, ("42", "42")), tests)
    assert [m.rule for m in found] == [MatchKind.SAME_QUESTION, MatchKind.SAME_WORDS]
    assert {m.numbers for m in found} == {"same"}


def test_other_numbers_in_other_digits_are_another_question() -> None:
    told = in_script(QUESTION.replace("12", "13"), "Devanagari")
    tests = TestSet("t", "0" * 64, ("t",), (QUESTION,), ("42",))
    [match] = find_matches(Questions(("a",), (told,), ("43",)), tests)
    assert (match.rule, match.numbers) == (MatchKind.TEMPLATE, "different")


def record(**changes: object) -> Record:
    given = {
        "row_id": "r",
        "problem_id": "p",
        "original_id": "p",
        "source": "s",
        "split": "train",
        "question": "Ann has 370 apples and 24 bags.",
        "rationale": "So it is.",
        "answer": "8,880",
        "provenance": Provenance(teacher="source"),
    }
    return Record.model_validate({**given, **changes})


def test_the_audit_sees_separators_and_letters_of_other_scripts() -> None:
    assert answer_leak("The result is ٨٬٨٨٠.", record()) is not None
    assert answer_leak("The result is ８，８８０．", record()) is not None
    assert answer_leak("The result is 8880.", record(answer="٨٬٨٨٠")) is not None
    assert question_number("Take ३७० of them.", record()) is not None
    words = "Ａｎｎ ｈａｓ some apples and many bags"
    assert copied_question(words, record(question="Ann has some apples and many bags.")) is not None


def test_a_last_line_in_other_digits_is_read() -> None:
    assert answer_contradicted(record(rationale="2 bags: ٨٬٨٨٠ apples")) is None
    assert answer_contradicted(record(rationale="2 bags: ٨٬٨٨١ apples")) is not None


def test_no_other_module_says_which_characters_are_the_same() -> None:
    """NFKC or a table of digits beside this one would read something that others do not."""
    package = Path(sys.modules["lorid_data"].__file__ or "").parent
    allowed = {
        "texts/characters.py",
        "answers/spelling.py",  # ½ as a fraction of LaTeX
        "pages/mathml.py",  # what a page shows, not what is compared
    }
    found = {
        str(f.relative_to(package))
        for f in package.rglob("*.py")
        if re.search(r"NFKC\"|unicodedata\.(?:decimal|digit|numeric)", f.read_text("utf-8"))
    }
    assert found == allowed


def test_hashes_that_files_hold_are_of_the_text_as_it_was() -> None:
    """Folders hold them: read otherwise, a question that was trained on would look new."""
    told = "Ann has १२  Apples"
    assert problem_id(told) == sha256_text(told)
    assert fold_case(told) == "ann has १२ apples"
    assert fold(told) == "ann has 12 apples"
