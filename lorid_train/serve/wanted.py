"""What a request asks for: the fields that are honoured, and a refusal in words for every other.

A field that OpenAI knows is taken where it changes nothing (`n` of 1, penalties of 0); where it
would, it is refused, never passed over. A field that nobody knows is refused too: a typo in
`temperature` must not give another temperature.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from lorid_train.engines.base import Sampling
from lorid_train.serve.refusals import RefusedError, unsupported

_T = TypeVar("_T")
MODELS = ("lorid", "ir", "dr", "kg", "cg")
"""All that there can be, in the order in which they are listed."""
_SEEDS = 2**63
_MOST_STOPS = 16
_MOST_PROMPTS = 64


def models_of(roles: Collection[str]) -> tuple[str, ...]:
    """The models that a server of these roles offers."""
    return tuple(m for m in MODELS if m == "lorid" or m in roles)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a request that does not say otherwise gets, and the most that one may ask for.

    Attributes:
        sampling: of every draw.
        seed: of requests without one; None draws one for each.
        most_tokens: largest `max_tokens`.
        models: that may be asked: the loop, and the roles that the engine knows.
    """

    sampling: Sampling
    seed: int | None = None
    most_tokens: int = 4096
    models: tuple[str, ...] = models_of(("ir", "kg", "dr"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request that can be answered.

    Attributes:
        model: lorid, ir, dr, kg or cg.
        texts: the question of a chat; the prompts of a completion.
        sampling: of every draw.
        seed: of all draws.
        stop: texts before which the content ends.
        stream: whether the reply comes in parts.
        usage: whether the last part of a stream has the tokens.
    """

    model: str
    texts: tuple[str, ...]
    sampling: Sampling
    seed: int
    stop: tuple[str, ...]
    stream: bool
    usage: bool


_NEUTRAL: dict[str, tuple[object, ...]] = {
    "n": (1,), "best_of": (1,), "presence_penalty": (0,), "frequency_penalty": (0,), "repetition_penalty": (1,),
    "logit_bias": ({},), "min_p": (0,), "logprobs": (False,), "top_logprobs": (0,), "echo": (False,),
    "suffix": ("",), "store": (False,), "tools": ([],), "tool_choice": ("none", "auto"), "functions": ([],),
    "parallel_tool_calls": (True, False), "response_format": ({"type": "text"},), "modalities": (["text"],),
    "service_tier": ("auto", "default"), "audio": (), "prediction": (), "reasoning_effort": (), "verbosity": (),
    "web_search_options": (), "function_call": ("none", "auto"), "skip_special_tokens": (True,),
    "ignore_eos": (False,),
}  # fmt: skip
"""Fields of others that change nothing with these values; None changes nothing either."""
_LABELS = frozenset({"user", "metadata", "safety_identifier", "prompt_cache_key"})
"""Fields that are for the provider's books."""
_READ = frozenset(
    {
        "model",
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "max_tokens",
    }
)


def of_chat(body: Mapping[str, Any], defaults: Defaults) -> Wanted:
    """What `/v1/chat/completions` is asked for.

    Raises:
        RefusedError: it cannot be answered, and why.
    """
    _refuse_others(body, {"messages", "max_completion_tokens"})
    return _wanted(body, (_question(body.get("messages")),), defaults)


def of_completion(body: Mapping[str, Any], defaults: Defaults) -> Wanted:
    """What `/v1/completions` is asked for.

    Raises:
        RefusedError: it cannot be answered, and why.
    """
    _refuse_others(body, {"prompt"})
    if body.get("model") == "lorid":
        msg = "model: a completion goes on with a text, and the loop answers a question: ask lorid at /v1/chat/completions"
        raise RefusedError(msg, param="model", code="model_not_supported")
    given = body.get("prompt")
    prompts = [given] if isinstance(given, str) else given
    if (
        not isinstance(prompts, list)
        or not 1 <= len(prompts) <= _MOST_PROMPTS
        or not all(isinstance(p, str) and p for p in prompts)
    ):
        msg = f"prompt: a text, or up to {_MOST_PROMPTS} texts, none of them empty; token ids are not taken"
        raise RefusedError(msg, param="prompt")
    if len(prompts) > 1 and body.get("stream") is True:
        raise RefusedError("stream: of one prompt only", param="stream")
    return _wanted(body, tuple(prompts), defaults)


def _refuse_others(body: Mapping[str, Any], own: set[str]) -> None:
    for name, value in body.items():
        if name in _READ or name in own or name in _LABELS or value is None:
            continue
        if name not in _NEUTRAL:
            msg = f"{name[:60]!r}: no field of this request that is known; see docs/serve.md for those that are"
            raise RefusedError(msg, param=name[:60], code="unknown_parameter")
        if not any(
            value == v and isinstance(value, bool) == isinstance(v, bool) for v in _NEUTRAL[name]
        ):
            raise unsupported(name, "not supported; leave it out")


def _question(messages: object) -> str:
    """The question of a chat: its only message, a user's.

    The roles are trained on a question and nothing before it, so that nothing before it can be honoured.
    """
    if not isinstance(messages, list) or not messages:
        raise RefusedError(
            "messages: a list with one message of the user, the question", param="messages"
        )
    if not all(isinstance(m, dict) for m in messages):
        raise RefusedError(
            "messages: each message is an object with role and content", param="messages"
        )
    roles = [m.get("role") for m in messages]
    if any(r in ("system", "developer") for r in roles):
        msg = (
            "messages: a system message is not supported: the roles know one instruction, which they were "
            "trained with; send the question alone"
        )
        raise RefusedError(msg, param="messages", code="unsupported_message")
    if roles != ["user"]:
        msg = (
            f"messages: one message of the user is answered, the question; {len(roles)} are given. "
            "Earlier turns and examples are not supported: the roles were trained on a question alone"
        )
        raise RefusedError(msg, param="messages", code="unsupported_message")
    [message] = messages
    others = sorted(set(message) - {"role", "content", "name", "type"})
    if others:
        raise RefusedError(
            f"messages: {others[0][:60]!r} of a message is not supported", param="messages"
        )
    text = _text(message.get("content"))
    if not text.strip():
        raise RefusedError("messages: the question is empty", param="messages")
    return text


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    is_parts = isinstance(content, list) and all(
        isinstance(p, dict)
        and set(p) <= {"type", "text"}
        and p.get("type") == "text"
        and isinstance(p.get("text"), str)
        for p in content
    )
    if not is_parts:
        msg = "messages: content is a text, or a list of parts of type text; images and sound are not read"
        raise RefusedError(msg, param="messages")
    assert isinstance(content, list)
    return "".join(p["text"] for p in content)


def _wanted(body: Mapping[str, Any], texts: tuple[str, ...], defaults: Defaults) -> Wanted:
    model = body.get("model")
    if not isinstance(model, str) or model not in defaults.models:
        shown = repr(model)[:80]
        raise RefusedError(
            f"model: there is no {shown}; there are {', '.join(defaults.models)}",
            status=404 if isinstance(model, str) else 400, param="model", code="model_not_found",
        )  # fmt: skip
    stream = _flag(body, "stream")
    options = body.get("stream_options")
    if options is not None and (
        not isinstance(options, dict) or not set(options) <= {"include_usage"} or not stream
    ):
        msg = "stream_options: an object with include_usage alone, and only where stream is true"
        raise RefusedError(msg, param="stream_options")
    seed = _whole(body, "seed", -_SEEDS, _SEEDS - 1)
    if seed is None:
        seed = secrets.randbelow(2**31) if defaults.seed is None else defaults.seed
    return Wanted(
        model, texts, _sampling(body, defaults), seed, _stop(body.get("stop")), stream,
        _flag(options or {}, "include_usage"),
    )  # fmt: skip


def _sampling(body: Mapping[str, Any], defaults: Defaults) -> Sampling:
    usual = defaults.sampling
    most = _whole(body, "max_tokens", 1, defaults.most_tokens)
    other = _whole(body, "max_completion_tokens", 1, defaults.most_tokens)
    if most is not None and other is not None and most != other:
        raise RefusedError(
            "max_tokens and max_completion_tokens differ; give one", param="max_tokens"
        )
    return Sampling(
        _given(
            _number(body, "temperature", lambda t: 0 <= t <= 2, "from 0 to 2"), usual.temperature
        ),
        _given(_number(body, "top_p", lambda p: 0 < p <= 1, "above 0, 1 at most"), usual.top_p),
        _given(_whole(body, "top_k", -1, 2**31 - 1), usual.top_k) if body.get("top_k") != -1 else 0,
        _given(_given(most, other), usual.max_new_tokens),
    )


def _given(value: _T | None, otherwise: _T) -> _T:
    return otherwise if value is None else value


def _stop(stop: object) -> tuple[str, ...]:
    stops = [] if stop is None else [stop] if isinstance(stop, str) else stop
    if (
        not isinstance(stops, list)
        or len(stops) > _MOST_STOPS
        or not all(isinstance(s, str) and s for s in stops)
    ):
        raise RefusedError(
            f"stop: a text, or up to {_MOST_STOPS} texts, none of them empty", param="stop"
        )
    return tuple(stops)


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise RefusedError(f"{name}: true or false", param=name)
    return bool(value)


def _whole(body: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RefusedError(f"{name}: a whole number from {low} to {high}", param=name)
    return value


def _number(
    body: Mapping[str, Any], name: str, is_right: Callable[[float], bool], range_: str
) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not is_right(value):
        raise RefusedError(f"{name}: a number, {range_}", param=name)
    return float(value)
