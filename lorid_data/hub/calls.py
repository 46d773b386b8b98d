"""Calls of the Hub that may be repeated: which failures pass, and how long is waited.

`huggingface_hub` repeats some of its requests and not others (a commit, a tag and a look-up are
tried once), so every call goes through here. A commit does not: see `lorid_data.hub.push`.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError, StageError
from lorid_data.http.redaction import redact
from lorid_data.http.retrying import TRANSIENT_STATUSES, RetryPolicy, retry_after_s
from lorid_data.hub.redirects import Away, LedAwayError, said_of, watching
from lorid_data.texts.counting import count

_R = TypeVar("_R")
_REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_QUERY = re.compile(r"(https?://[^\s?#'\"]+)[?#][^\s'\"]*")
"""What follows an address may be the signature that opens it."""
SAID_S = 10.0
"""Waits that are at least so long are said."""
_MOST_SAID = 600
_TRANSIENT = TRANSIENT_STATUSES - {409, 501}


@dataclass(frozen=True, slots=True)
class Patience:
    """How failures that pass are waited for.

    Attributes:
        policy: how often and how long.
        sleep: waits so many seconds.
        is_push: whether something is being published, of which people ask how far it got.
    """

    policy: RetryPolicy = field(default_factory=lambda: RetryPolicy(attempts=6, deadline_s=600.0))
    sleep: Callable[[float], None] = time.sleep
    is_push: bool = False


def check_repo_id(repo_id: str) -> str:
    """The id itself, where it is `owner/name` and nothing else.

    Raises:
        ConfigError: a path, an address, or characters that the Hub does not take.
    """
    dotted = ".." in repo_id or "--" in repo_id or repo_id.endswith((".git", ".", "-"))
    if dotted or not _REPO_ID.fullmatch(repo_id):
        msg = f"repository {repo_id!r}: give OWNER/NAME, letters, digits, '-', '_' and '.' only"
        raise ConfigError(msg)
    return repo_id


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind an error of huggingface_hub; None where no reply came."""
    for e in causes(error):
        response = getattr(e, "response", None)
        if response is not None:
            return int(response.status_code)
    return None


def may_pass(error: BaseException) -> bool:
    """Whether the same call may succeed later: 408, 425, 429, 5xx, or no whole reply at all."""
    if isinstance(error, LedAwayError):
        return False
    status = status_of(error)
    if status is not None:
        return status in _TRANSIENT
    # A reply that is no JSON stands for an error page of something in between.
    return any(isinstance(e, json.JSONDecodeError) or _is_transport(e) for e in causes(error))


def _is_transport(error: BaseException) -> bool:
    # huggingface_hub does not export the errors of the client below it.
    kinds = {f"{k.__module__.partition('.')[0]}.{k.__name__}" for k in type(error).__mro__}
    return bool(kinds & {"httpx2.TransportError", "httpx.TransportError"})


def wait_s(error: BaseException, attempt: int, policy: RetryPolicy) -> float:
    """Seconds to wait after failure number `attempt` (from 1): Retry-After, or full jitter."""
    asked = None
    for e in causes(error):
        response = getattr(e, "response", None)
        if response is not None:
            asked = retry_after_s({k.lower(): v for k, v in response.headers.items()})
            break
    drawn = random.random() * min(policy.most_s, policy.base_s * 2 ** (attempt - 1))
    return float(max(asked or 0.0, drawn))


def staying(what: str, call: Callable[[], _R]) -> _R:
    """The result of a call that was answered by the Hub.

    Raises:
        LedAwayError: it was redirected to where no Hub is; a page that came back is no success.
    """
    away = Away()
    failure: Exception | None = None
    try:
        with watching() as away:
            result = call()
        if not (away.location and away.is_page):
            return result
    except Exception as e:
        if away.location is None or status_of(e) in _TRANSIENT:
            raise
        failure = e
    why = f" ({error_line(failure)})" if failure else ""
    raise LedAwayError(f"{what}: {said_of(str(away.location))}{why}") from failure


def calling(what: str, call: Callable[[], _R], patience: Patience) -> _R:
    """The result of a call that does no harm when it is made twice.

    Args:
        what: for messages: `reading the head of org/name`.
        call: one call of `HfApi`.
        patience: how failures that pass are waited for.

    Raises:
        StageError: it kept failing, or was sent to where no Hub is.
    """
    begin = time.monotonic()
    attempt = 0
    while True:
        attempt += 1
        try:
            return staying(what, call)
        except Exception as e:
            if not may_pass(e):
                raise
            pause_s = wait_s(e, attempt, patience.policy)
            late = time.monotonic() - begin + pause_s > patience.policy.deadline_s
            if attempt >= patience.policy.attempts or late:
                raise StageError(
                    given_up(what, e, attempt, pause_s, is_push=patience.is_push)
                ) from e
            pause(what, e, pause_s, patience)


def pause(what: str, error: BaseException, pause_s: float, patience: Patience) -> None:
    """Wait before a call is repeated; a long wait is said, so that nobody takes it for an end."""
    if pause_s >= SAID_S:
        say(f"{what}: {error_line(error)}; waiting {pause_s:,.0f} s, as asked")
    patience.sleep(pause_s)


def given_up(
    what: str, error: BaseException, attempts: int, pause_s: float = 0.0, *, is_push: bool = True
) -> str:
    """The message for a call that kept failing; `pause_s` is what would have to be waited now."""
    times = "once" if attempts == 1 else count(attempts, "time")
    later = ""
    if pause_s >= SAID_S:
        back = datetime.now(UTC) + timedelta(seconds=pause_s)
        later = f" after {back:%Y-%m-%d %H:%M} UTC, as it asks"
    rest = "nothing is half done on the Hub: " if is_push else ""
    return f"{what}: failed {times} ({error_line(error)}); {rest}run the same command again{later}"


def _told(error: BaseException) -> Iterator[BaseException]:
    """An error and, where it only wraps it, what it wraps."""
    yield error
    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        yield error.__cause__


def error_line(error: BaseException) -> str:
    """An error in one line without a secret: all that the Hub says, what it lists below included."""
    said = []
    for e in _told(error):
        lines = [t.strip() for t in str(e).splitlines() if t.strip()]
        said.append(" ".join(lines)[:_MOST_SAID] or type(e).__name__)
    text = _QUERY.sub(r"\1", redact(": ".join(said)))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        text = text.replace(os.environ.get(name) or "\0", "[secret]")
    return text
