"""`extract`: the case book, what stops a text, honest refusals, and time that grows linearly."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lorid_data.answers import Answer, FoundBy, NoAnswer, Verdict, Why, boxed, equal, extract

pytestmark = pytest.mark.usefixtures("answers_prepared")

BOOK = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "golden" / "answers_extraction.jsonl")
    .read_text("utf-8")
    .splitlines()
]


HELD_OUT = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "golden" / "answers_heldout_extraction.jsonl")
    .read_text("utf-8")
    .splitlines()
]


@pytest.mark.parametrize("number", sorted({case["slice"] for case in HELD_OUT}))
def test_held_out_slices(number: int) -> None:
    """Each was read once before the code was changed; `given` is what still fails."""
    wrong = []
    for case in HELD_OUT:
        found = extract(case["text"])
        value = found.value if isinstance(found, Answer) else None
        wanted = case.get("given", case["answer"])
        is_same = value == wanted or (
            value is not None and wanted is not None and equal(value, wanted) is Verdict.EQUAL
        )
        if case["slice"] == number and not is_same:
            wrong.append((case["text"], value, wanted))
    assert not wrong


@pytest.mark.parametrize(
    "case", [c for c in BOOK if c["answer"] is not None], ids=lambda c: repr(c["text"])[:60]
)
def test_finds_the_answer(case: dict[str, str]) -> None:
    found = extract(case["text"], last_number=bool(case["last_number"]))
    assert isinstance(found, Answer)
    assert equal(found.value, case["answer"]) is Verdict.EQUAL


@pytest.mark.parametrize(
    "case", [c for c in BOOK if c["answer"] is None], ids=lambda c: repr(c["text"])[:60]
)
def test_invents_no_answer(case: dict[str, str]) -> None:
    assert isinstance(extract(case["text"], last_number=bool(case["last_number"])), NoAnswer)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("So\n#### 72", Answer("72", FoundBy.HASH)),
        ("--> 72 clips END", Answer("72 clips", FoundBy.ARROW)),
        (r"is $\boxed{\frac{1}{2}}$.", Answer(r"\frac{1}{2}", FoundBy.BOXED)),
        ("<answer> 72 </answer>", Answer("72", FoundBy.TAG)),
        ("The answer is **72**.", Answer("72", FoundBy.CUE)),
    ],
)
def test_says_what_marked_the_answer(text: str, answer: Answer) -> None:
    assert extract(text) == answer


def test_the_last_number_counts_only_on_request() -> None:
    text = "Altogether, Natalia sold 48 + 24 = 72 clips."
    assert extract(text) == NoAnswer(Why.NO_MARKER)
    assert extract(text, last_number=True) == Answer("72", FoundBy.LAST_NUMBER)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Why.EMPTY_TEXT),
        (" \n", Why.EMPTY_TEXT),
        ("no answer here", Why.NO_MARKER),
        (r"5 + 3 = 8, so \boxed{}", Why.EMPTY_MARKER),
        (r"so \boxed{12", Why.TRUNCATED),
    ],
)
def test_says_why_there_is_none(text: str, reason: Why) -> None:
    assert extract(text) == NoAnswer(reason)


@pytest.mark.parametrize(
    ("text", "reason"), [("She sold 48 +", Why.TRUNCATED), ("She sold many.", Why.NO_NUMBER)]
)
def test_says_why_there_is_no_last_number(text: str, reason: Why) -> None:
    assert extract(text, last_number=True) == NoAnswer(reason)


@pytest.mark.parametrize(
    "rest",
    [
        "\n\nQuestion: Next?\nAnswer: 5\n#### 5",
        "<|im_end|>\n<|im_start|>user\n#### 5",
        "</s> The answer is 5",
        "\n\n### Instruction:\nThe answer is 5.",
        "\n\nProblem 2: and \\boxed{5}",
    ],
)
@pytest.mark.parametrize("text", ["#### 72", "--> 72 END", r"\boxed{72}", "The answer is 72."])
def test_what_another_turn_says_is_not_read(text: str, rest: str) -> None:
    found = extract(text + rest)
    assert isinstance(found, Answer)
    assert found.value == "72"


def test_numbered_questions_inside_a_solution_do_not_end_it() -> None:
    found = extract(
        "There are two.\n\nQuestion 1: no.\n\nQuestion 2: yes.\n\nThe sum is \\boxed{14}."
    )
    assert found == Answer("14", FoundBy.BOXED)


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=200) | st.text("#>-ENDThe answer is:\\boxed{}$.1 2\n<|/>*", max_size=80),
    st.booleans(),
)
def test_any_text_gives_an_answer_or_none(text: str, last_number: bool) -> None:
    found = extract(text, last_number=last_number)
    if isinstance(found, Answer):
        assert found.value.strip()
        assert last_number or found.found_by is not FoundBy.LAST_NUMBER


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        r"\boxed{" * 20_000, "--> " * 20_000, "The answer is " * 20_000, "#### " * 20_000, "<answer>" * 20_000, "$" * 100_000,
        " " * 100_000 + "x", "\n" + "#" * 50_000 + "x", "answer" + " \n" * 20_000 + "x", "final " * 20_000 + "answer",
        "\\(" * 20_000, "<<" * 30_000, "-" * 50_000 + "1", "x\nProblem:" * 9_000, "answer to " + "a " * 20_000,
        "#### 1" + " " * 20_000 + "2", "#### " + "?" * 20_000 + "x", "\nQ:" * 10_000, "--> " + ", " * 10_000 + " END",
        "\\boxed{" + ", " * 20_000 + "}", "24 is the answer. " * 2_000,
    ],
    ids=lambda t: repr(t[:12]),
)  # fmt: skip
def test_hostile_texts_end(text: str) -> None:
    # Each takes well under a second; a quadratic pattern takes minutes, and the timeout says so.
    extract(text)
    extract(text, last_number=True)


def test_reads_every_boxed_gold_answer(real_data: Path) -> None:
    import polars as pl

    from lorid_data.texts.latex import last_boxed

    wrong, n_joined = [], 0
    for f in sorted((real_data / "EleutherAI/hendrycks_math").glob("*/*.parquet")):
        for solution in pl.read_parquet(f)["solution"]:
            gold = boxed(solution)
            n_joined += gold != last_boxed(solution)
            found = extract(solution)
            if gold and not (
                isinstance(found, Answer) and equal(found.value, gold) is Verdict.EQUAL
            ):
                wrong.append((solution, found))
    assert n_joined == 16  # 13 lists, and 3 questions for one of two
    ((solution, found),) = wrong
    assert "we have not boxed the correct answer" in solution
    assert found == NoAnswer(Why.WITHDRAWN)  # "Therefore, $6$ is our answer", in the box is 12


def test_reads_every_gsm8k_answer(real_data: Path) -> None:
    import polars as pl

    for f in sorted((real_data / "openai/gsm8k/main").glob("*.parquet")):
        for answer in pl.read_parquet(f)["answer"]:
            assert extract(answer) == Answer(answer.rpartition("####")[2].strip(), FoundBy.HASH)


@pytest.mark.parametrize(
    "piece",
    ["He adds 3 and 4. ", "The answer is not clear. ", r"$\boxed{3}$ and ", "5!! ", "答案是什么？", "La respuesta no es. ", "A: 3\n", "... "],
)  # fmt: skip
def test_time_grows_with_the_length_alone(piece: str) -> None:
    """Four times the text takes about four times as long, at most: no pattern looks back further each time."""

    def seconds(n: int) -> float:
        text = (piece * n)[: n * 4]
        took = []
        for _ in range(5):
            start = time.process_time()
            extract(text)
            took.append(time.process_time() - start)
        return min(took)

    extract(piece)
    assert seconds(12_000) < 12 * max(seconds(3_000), 1e-4)
