"""Whatever `equal` reads bare it reads in what may surround it; numbers of other scripts are read whole."""

import pytest

from lorid_data.answers import Answer, NoAnswer, Verdict, equal, extract
from lorid_data.checks.answers import answer_unparsed
from lorid_data.schema import Provenance, Record

pytestmark = pytest.mark.usefixtures("answers_prepared")

BARE = {
    "三十": "30",
    "三": "3",
    "十二": "12",
    "百": "100",
    "二百五十": "250",
    "二分之一": r"\frac{1}{2}",
    "百分之二十": "20%",
    "三十元": "30",
    "三十个": "30",
    "三十円": "30",
    "30円": "30",
    "30 кг": "30 kg",
    "३० रुपये": "30",
    "३०": "30",
    "٣٠": "30",
    "３０": "30",
    "١٬٢٣٤": "1234",
    "٣٫٥": "3.5",
    "٢٠٪": "20%",
    "１，２３４": "1234",
    "２０％": "20%",
    "−५": "-5",
    "ｘ＝３": "x=3",
    "Ａ": "A",
    "тридцать": "30",
    "dreißig": "30",
    "treinta": "30",
    "はい": "yes",
}
WRAPPERS = (
    r"\boxed{%s}", "$%s$", "$$%s$$", r"\(%s\)", r"\[%s\]", r"$\boxed{%s}$", r"\text{%s}", r"\mathrm{%s}", r"\boxed{\text{%s}}",
    "**%s**", "*%s*", "`%s`", "<b>%s</b>", "{%s}", '"%s"', "“%s”", "「%s」", "%s.", "%s。", "%s।", "The answer is %s",
    "Answer: %s", "答案是%s", "答案：%s。", "**答案：%s**", "答えは%sです。", "Ответ: %s",
)  # fmt: skip


@pytest.mark.parametrize("bare", BARE)
def test_what_is_read_bare_is_read_in_every_wrapper(bare: str) -> None:
    assert equal(bare, BARE[bare]) is Verdict.EQUAL
    wrong = [w % bare for w in WRAPPERS if equal(w % bare, BARE[bare]) is not Verdict.EQUAL]
    assert wrong == []


@pytest.mark.parametrize("bare", BARE)
def test_no_wrapper_makes_another_number_of_it(bare: str) -> None:
    assert all(equal(w % bare, "31") is not Verdict.EQUAL for w in WRAPPERS)


@pytest.mark.parametrize(
    "bare", ["三十", "三", "十二", "百", "二百五十", "二分之一", "三十元", "三十円"]
)
def test_a_numeral_in_a_box_is_no_unreadable_answer(bare: str) -> None:
    given = Record(
        row_id="r",
        problem_id="p",
        original_id="p",
        source="s",
        split="train",
        question="多少?",
        rationale=rf"所以 \boxed{{{bare}}}",
        answer=bare,
        provenance=Provenance(teacher="source"),
    )
    assert answer_unparsed(given) is None


@pytest.mark.parametrize(
    "text",
    [
        r"30\text{元}", r"30\,\text{元}", r"30 \text{ 个}", "$30$元", r"\boxed{30}元", r"\boxed{三十}元", r"\boxed{三十\text{元}}",
        "**30**元", "$三十$个", "**三十** 円",
    ],
)  # fmt: skip
def test_a_noun_stands_apart_from_its_number(text: str) -> None:
    assert equal(text, "30") is Verdict.EQUAL
    assert equal(text, "31") is Verdict.DIFFERENT


@pytest.mark.parametrize(
    "text", ["答案不是30", "答えは30ではない", "答案是什么", r"\boxed{一样}", "$x$元"]
)
def test_what_states_no_number_equals_none(text: str) -> None:
    assert all(equal(text, n) is not Verdict.EQUAL for n in ("30", "1"))


@pytest.mark.parametrize(
    "mark", ["#### %s", "The answer is %s.", "答案是%s。", "答えは%sです。", "<answer>%s</answer>"]
)
@pytest.mark.parametrize("said", ["١٬٢٣٤", "٣٫٥", "１，２３４", "１２．５", "٢٠٪", "ｘ＝３"])
def test_a_number_of_another_script_is_found_whole(mark: str, said: str) -> None:
    found = extract(mark % said)
    assert isinstance(found, Answer)
    assert equal(found.value, said) is Verdict.EQUAL


def test_a_fullwidth_letter_is_a_choice() -> None:
    found = extract("答案是Ｂ。")
    assert isinstance(found, Answer)
    assert found.value == "B"


def test_a_fullwidth_comma_between_two_numbers_joins_none() -> None:
    assert isinstance(extract("答案是（１，２）。"), NoAnswer)


@pytest.mark.parametrize("wrapper", ["$%s$", r"\(%s\)", r"\boxed{%s}", r"$\boxed{%s}$"])
def test_a_few_letters_in_mathematics_are_a_product_and_no_word(wrapper: str) -> None:
    assert equal(wrapper % "dos", "2") is Verdict.DIFFERENT
    assert equal(wrapper % "um", "1") is Verdict.DIFFERENT
    assert equal(wrapper % "ja", "$aj$") is Verdict.EQUAL


@pytest.mark.parametrize("wrapper", ["%s", "**%s**", r"\boxed{\text{%s}}", r"$\text{%s}$", '"%s"'])
def test_a_few_letters_in_text_are_a_word(wrapper: str) -> None:
    assert equal(wrapper % "dos", "2") is Verdict.EQUAL
