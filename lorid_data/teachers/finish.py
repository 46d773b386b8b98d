"""Why a reply ended, in three words, from those of all providers; and what is no end of a reply."""

from __future__ import annotations

from typing import Any

from lorid_data.schema import TeacherReply

_WORDS = {
    "stop": ("stop", "end_turn", "stop_sequence", "tool_use", "tool_calls", "function_call", "eos",
             "eos_token", "end", "complete", "completed", "stop_token"),
    "length": ("length", "max_tokens", "max_output_tokens", "model_length", "max_length",
               "model_context_window_exceeded", "context_length", "incomplete"),
    "refusal": ("refusal", "content_filter", "safety", "recitation", "blocklist", "prohibited_content",
                "spii", "sensitive", "error_toxic", "guardrail_intervened"),
}  # fmt: skip
_KNOWN = {word: known for known, words in _WORDS.items() for word in words}
ASKED_OVER_A_NETWORK = frozenset({"openai", "anthropic", "server"})


def finish_of(word: Any) -> str:
    """`stop`, `length`, `refusal`, or the provider's own word; without any word it is `stop`."""
    if word is None or word == "":
        return "stop"
    plain = str(word).strip().lower().replace("-", "_").removeprefix("finish_reason_")
    return _KNOWN.get(plain, str(word)[:100])


def no_end(text: str, finish_reason: str) -> str | None:
    """Why a reply is a failure that may pass and no answer; None where it is an answer.

    A reply ends with its last token, by its limit or by a refusal; an empty one, or one that was
    given up (`error`, `abort`, `insufficient_system_resource`, a word that nobody knows), does not.
    """
    if finish_reason not in _WORDS:
        return f"the reply was given up (finish reason {finish_reason!r})"
    if finish_reason == "stop" and not text.strip():
        return "the reply is empty"
    return None


def is_final(reply: TeacherReply) -> bool:
    """Whether a stored reply answers its request: earlier releases stored some that do not."""
    return (
        reply.teacher not in ASKED_OVER_A_NETWORK or no_end(reply.text, reply.finish_reason) is None
    )
