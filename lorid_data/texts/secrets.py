"""Texts without secrets: neither the values that this process was given, nor what looks like a key."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote

SHOWN = "[secret]"
_NAME = re.compile(
    r"(?:^|_)(?:api_?key|access_?key|key|token|secret|password|passwd|pass|auth|authorization|credentials?|pat)(?:_|$)",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=://)[^/?#\s@'\"<>]+(?=@)")
_SHORTEST, _LONG = 6, 12
_COMMON = frozenset(
    ["dummy-key", "default", "disabled", "enabled", "public", "nobody", "never-empty", "not-needed"]
)
"""Values that programs ask for and that are no secret; they stand in texts of every kind."""
_LOOKS_SECRET = re.compile(
    r"\b(?:sk-|hf_|Bearer\s+)[\w.*-]{4,}"
    r"|\bBasic\s+[A-Za-z0-9+/]{8,}=*"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xai-|gsk_|r8_|xox[abp]-|AIza|AKIA|pplx-|nvapi-)[\w-]{8,}"
    r"|(?i:(?<=api_key=)|(?<=api-key=)|(?<=x-api-key: )|(?<=authorization: )|(?<=access_token=))[^\s\"'&,;]{4,}"
)


def without_secrets(text: str, environment: Mapping[str, str] | None = None) -> str:
    """A text in which `[secret]` stands for every secret of the environment, and for what looks like one.

    A secret is the value of a variable whose name speaks of a key, a token or a password, and the
    user and password of any URL, as they are and as URLs, JSON and HTTP write them.
    """
    return _LOOKS_SECRET.sub(SHOWN, _USERINFO.sub(SHOWN, without_values(text, environment)))


def without_values(text: str, environment: Mapping[str, str] | None = None) -> str:
    """A text in which `[secret]` stands for every secret of the environment, and nothing else changes.

    For what is data and must stay as it came, but for a key that somebody echoes.
    """
    for value in _secrets(environment):
        if value in text:
            text = text.replace(value, SHOWN)
    return text


def holds_secret(text: str, environment: Mapping[str, str] | None = None) -> bool:
    """Whether a text that will be stored has a secret of the environment in it.

    Of twelve characters at least: shorter ones may stand in a path or a name by chance.
    """
    return any(len(v) >= _LONG and v in text for v in _secrets(environment))


def holds_userinfo(url: str) -> bool:
    """Whether a URL names a user or a password: what stands in a URL is stored and shown."""
    return _USERINFO.search(url) is not None


_seen: tuple[dict[object, object], tuple[str, ...]] = ({}, ())
"""The environment as it was when its secrets were last looked for, and their spellings."""


def _secrets(environment: Mapping[str, str] | None) -> tuple[str, ...]:
    """The spellings of every secret of an environment; this process's own by default.

    Every reply of a teacher asks for them. `os.environ.items()` decodes each variable again, which
    takes forty times as long as comparing what lies behind it with what lay there before.
    """
    global _seen  # one pair, put in place at once: threads see the old or the new
    if environment is not None:
        return _spellings(tuple(environment.items()))
    behind = getattr(os.environ, "_data", None)
    if not isinstance(behind, dict):
        return _spellings(tuple(os.environ.items()))
    before, found = _seen
    if behind != before:
        found = _spellings(tuple(os.environ.items()))
        _seen = (dict(behind), found)
    return found


@lru_cache(maxsize=8)
def _spellings(environment: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Every way in which a secret may be written, the longest first."""
    found = set()
    for value in _values(environment):
        if len(value) >= _SHORTEST and value.lower() not in _COMMON:
            coded = base64.b64encode(value.encode("utf-8", "surrogateescape")).decode().rstrip("=")
            found |= {value, quote(value, safe=""), quote(value), json.dumps(value)[1:-1], coded}
    return tuple(sorted(found, key=lambda v: (-len(v), v)))


def _values(environment: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in environment:
        if _NAME.search(name) and not _is_place(value):
            yield value.strip()
        if "://" in value:
            for userinfo in _USERINFO.findall(value):
                user, colon, password = userinfo.partition(":")
                yield unquote(userinfo)
                yield unquote(password if colon else user)


def _is_place(value: str) -> bool:
    """Whether a value only says where something is (`…_KEY_FILE`, `SSH_AUTH_SOCK`)."""
    try:
        return value.startswith(("/", "~", ".")) and Path(value).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False
