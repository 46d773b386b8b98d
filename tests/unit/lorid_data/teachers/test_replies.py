"""What is read of a reply: around the JSON, in the JSON, why it ended, and what it cost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data.errors import StageError, TeacherError
from lorid_data.http.retrying import Transient
from lorid_data.schema import RejectReason
from lorid_data.teachers.anthropic import read_message
from lorid_data.teachers.backend import Place, Unsupported, failure
from lorid_data.teachers.base import Message, NoRules, TeacherRequest, parse_reply
from lorid_data.teachers.chat import read_chat
from lorid_data.teachers.finish import finish_of, no_end
from lorid_data.teachers.prices import Price
from lorid_data.teachers.provider_errors import ErrorInside, error_text, status_of
from lorid_data.teachers.usage import chat_usage, message_usage

GOOD = '{"output": ["Add.", "Divide."]}'


def why(text: str) -> NoRules:
    read = parse_reply(text)
    assert isinstance(read, NoRules), read
    return read


@pytest.mark.parametrize(
    "text",
    [
        f"<think>\nis it {{x}}?\n</think>\n{GOOD}", f"so it is.</think>{GOOD}", f"\ufeff{GOOD}",
        f"<thinking>a</thinking>\n\n```json\n{GOOD}\n```", f"```json\n{GOOD}```", f"``` \n{GOOD}\n```\n",
        f"Here:\n```json\n{GOOD}\n```\nDone.", f"Here:\r\n```\r\n{GOOD}\r\n```",
        json.dumps({"output": ["Add.", "Divide."], "note": "</think>"}),
    ],
)  # fmt: skip
def test_what_stands_around_the_json_is_left_out(text: str) -> None:
    assert parse_reply(text) == ("Add.", "Divide.")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"```\n{GOOD}\n```\nor\n```\n{GOOD}\n```", "2 code fences"),
        ("<think>I wonder", "a thought without an end"),
        ("<think>x</think> no rules needed", "thoughts before the JSON"),
        (f"Sure! {GOOD}", "begins 'Sure! "),
        ("", "begins ''"),
    ],
)
def test_what_is_not_certain_is_refused_by_what_came(text: str, says: str) -> None:
    read = why(text)
    assert read.reason == RejectReason.REPLY_NOT_JSON
    assert says in read.detail


@pytest.mark.parametrize(("text", "says"), [('["a"]', "a list"), ('"x"', "a text"), ("3", "a number"), ('{"rules": []}', "['rules']"), ("null", "null")])  # fmt: skip
def test_another_shape_is_named(text: str, says: str) -> None:
    assert says in why(text).detail


def test_latex_in_a_rule_gets_its_backslash_back_and_other_controls_are_refused() -> None:
    assert parse_reply(r'{"output": ["Area is $a \times b$.", "\frac12 of it\n", "\tTip"]}') == (r"Area is $a \times b$.", r"\frac12 of it", "Tip")  # fmt: skip
    for rule in ("a\tb", "two\nlines", "bell \x07", "\x0bec", "a \x08lock", "nul\0"):
        read = why(json.dumps({"output": ["fine", rule]}))
        assert read.reason == RejectReason.KNOWLEDGE_FORMAT
        assert "rule 1 holds U+00" in read.detail


@given(st.lists(st.text(), max_size=4))
def test_no_control_character_is_ever_kept(rules: list[str]) -> None:
    read = parse_reply(json.dumps({"output": rules}))
    if not isinstance(read, NoRules):
        assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for rule in read for c in rule)


# --- how it ended -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("stop", "stop"), ("end_turn", "stop"), ("STOP", "stop"), (None, "stop"), ("tool_calls", "stop"),
        ("MAX_TOKENS", "length"), ("model_length", "length"), ("FINISH_REASON_MAX_TOKENS", "length"),
        ("content-filter", "refusal"), ("SAFETY", "refusal"), ("error", "error"), ("abort", "abort"),
        ({"a": 1}, "{'a': 1}"),
    ],
)  # fmt: skip
def test_ends_have_one_word_each(word: Any, means: str) -> None:
    assert finish_of(word) == means


def test_an_empty_or_broken_off_reply_is_no_answer() -> None:
    assert no_end(GOOD, "stop") is None
    assert no_end("", "length") is None
    assert no_end("", "refusal") is None
    assert "empty" in (no_end(" \n", "stop") or "")
    assert "'insufficient_system_resource'" in (no_end(GOOD, "insufficient_system_resource") or "")


# --- tokens and money ---------------------------------------------------------------------------

PRICE = Price(input=2.0, output=10.0, cached_input=0.5)
COUNT = st.one_of(st.none(), st.integers(0, 10_000), st.integers(), st.sampled_from([True, "7", 1.0, -1, 10**20, float("inf"), [], {}]))  # fmt: skip


def is_count(n: Any) -> bool:
    whole = isinstance(n, int) or (isinstance(n, float) and n.is_integer())
    return whole and not isinstance(n, bool) and 0 <= n <= 10**9


@given(prompt=COUNT, completion=COUNT, total=COUNT, cached=COUNT, reasoning=COUNT)
def test_no_provider_can_charge_more_than_is_booked(prompt: Any, completion: Any, total: Any, cached: Any, reasoning: Any) -> None:  # fmt: skip
    usage = chat_usage({
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    })  # fmt: skip
    n_cached = usage.n_cached or 0
    usd = PRICE.cost_usd(usage.n_input or 0, usage.n_output or 0, n_cached)
    assert usd >= 0
    assert n_cached <= (usage.n_input or 0)
    if not (is_count(prompt) and is_count(completion)):
        assert not usage.is_sure, "then the most that the request may cost is booked"
        return
    hits = min(cached, prompt) if is_count(cached) else 0
    outputs = [completion]  # OpenAI: reasoning is inside
    if is_count(total):
        outputs.append(total - prompt)
    if is_count(reasoning) and total == prompt + completion + reasoning:
        outputs.append(completion + reasoning)  # xAI, Gemini: beside, and in the total
    if is_count(reasoning) and total is None:
        outputs.append(completion + reasoning)
    worst = max(PRICE.cost_usd(prompt, n, hits) for n in outputs if n >= 0)
    assert usd >= worst - 1e-12
    contradicts = (is_count(cached) and cached > prompt) or (is_count(total) and total < prompt + completion)  # fmt: skip
    assert not (contradicts and usage.is_sure)


def test_usage_of_known_providers() -> None:
    openai = chat_usage({"prompt_tokens": 100, "completion_tokens": 600, "total_tokens": 700, "prompt_tokens_details": {"cached_tokens": 40}, "completion_tokens_details": {"reasoning_tokens": 500}})  # fmt: skip
    assert (openai.n_input, openai.n_cached, openai.n_output, openai.is_sure) == (100, 40, 600, True)  # fmt: skip
    xai = chat_usage({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135, "completion_tokens_details": {"reasoning_tokens": 94}})  # fmt: skip
    assert (xai.n_output, xai.is_sure) == (103, True)
    router = chat_usage({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0.5})  # fmt: skip
    assert router.stated_usd == 0.5
    claude = message_usage({"input_tokens": 10, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 50, "output_tokens": 7})  # fmt: skip
    assert (claude.n_input, claude.n_cached, claude.n_written, claude.is_sure) == (150, 90, 50, True)  # fmt: skip
    for strange in (None, [], "x", {}, {"prompt_tokens": 1}):
        assert not chat_usage(strange).is_sure
        assert not message_usage(strange).is_sure


def test_more_cached_than_asked_is_no_gain() -> None:
    assert PRICE.cost_usd(100, 0, 10**6) == pytest.approx(100 * 0.5 / 1e6)
    assert PRICE.cost_usd(0, 0, 5) == 0
    assert PRICE.cost_usd(100, 0, 0, n_written=100) == pytest.approx(2 * 100 * 2 / 1e6)


# --- whatever comes -----------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "content",
                    "finish_reason",
                    "usage",
                    "error",
                    "code",
                    "type",
                    "text",
                    "refusal",
                    "tool_calls",
                    "function",
                    "arguments",
                    "model",
                    "stop_reason",
                    "input_tokens",
                    "output_tokens",
                    "prompt_tokens",
                    "input",
                    "reasoning_content",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_any_json_is_an_answer_an_error_or_a_failure_that_may_pass(body: Any) -> None:
    for read in (lambda b: read_chat(b, {}, "w"), lambda b: read_message(b, {})):
        try:
            answered = read(body)
        except (Transient, ErrorInside):
            continue
        assert isinstance(answered.text, str)
        assert isinstance(answered.finish_reason, str)
        assert isinstance(answered.model, str)


# --- errors -------------------------------------------------------------------------------------


def fails(status: int | None, message: str, *, rung: Any = "schema", asked: str = "", **headers: str) -> Exception:  # fmt: skip
    request = TeacherRequest(problem_id="p", prompt_id="i", prompt_sha256="s", teacher="t", model="m", messages=(Message(role="user", content=asked),))  # fmt: skip
    return failure(status, message, headers, Place("P", rung, "KEY", request))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (402, "This request requires more credits, or fewer max_tokens."), (402, ""),
        (400, "Your credit balance is too low to access the Anthropic API."),
        (429, "You exceeded your current quota, please check your plan and billing details. insufficient_quota"),
        (429, "Insufficient balance or no resource package."),
    ],
)  # fmt: skip
def test_without_credit_the_run_ends(status: int, message: str) -> None:
    error = fails(status, message)
    assert isinstance(error, StageError)
    assert "add credit" in str(error)


def test_a_quota_that_comes_back_is_a_rate_limit() -> None:
    said = "You exceeded your current quota, please check your plan and billing details. Please retry in 2.5s."
    error = fails(429, said)
    assert isinstance(error, Transient)
    assert error.retry_after_s == 2.5
    also = fails(429, "Rate limit reached. Please try again in 6m0s.")
    assert isinstance(also, Transient)
    assert also.retry_after_s == 360
    with_header = failure(429, said, {"retry-after": "7"}, Place("P", "schema", "KEY"))
    assert isinstance(with_header, Transient)
    assert with_header.retry_after_s == 7


def test_a_404_about_tools_steps_down_and_any_other_is_about_the_model() -> None:
    assert isinstance(fails(404, "No endpoints found that support tool use."), Unsupported)
    assert "check the model's name" in str(fails(404, "no such model"))
    assert "check the model's name" in str(fails(404, "No endpoints found that support tool use.", rung="prompt"))  # fmt: skip


def test_an_error_that_repeats_the_row_says_nothing_by_it() -> None:
    row = "how many tools and what grammar has a credit balance is too low?"
    for said in (
        "invalid input: How many tools and what grammar",
        "bad: credit balance is too low",
    ):
        error = fails(400, said, asked=row)
        assert isinstance(error, TeacherError), said
        assert error.is_refusal
    assert isinstance(fails(400, "tools: not supported; tool_choice", asked=row), Unsupported)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 429}, 429), ({"code": "503"}, 503), ({"type": "overloaded_error"}, 529), ({"code": 200}, None),
        ({"code": None, "type": "rate_limit_error"}, 429), ("words", None), ({"code": "9" * 30}, None),
        ({"code": 429, "status": "RESOURCE_EXHAUSTED"}, 429), ({"status": "RESOURCE_EXHAUSTED"}, 429),
    ],
)  # fmt: skip
def test_the_status_that_an_error_names(error: Any, status: int | None) -> None:
    assert status_of(error) == status


def test_what_a_proxy_passes_on_is_said() -> None:
    body = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": "upstream says no", "provider_name": "Z"}}}  # fmt: skip
    assert error_text(json.dumps(body).encode()) == "Provider returned error 400 Z upstream says no"
    assert error_text(b'[{"error": {"code": 429, "message": "slow"}}]') == "slow 429"
    assert error_text(b"[" * 10**5) == "[" * 10**5
