"""Redirects to where no Hub is: seen at the client's own hooks, and named.

The client follows them, and what comes back (the page of a sign-in, an empty text) fails far from
the cause: "Expecting value: line 1 column 1". The client leaves `Authorization` behind where the
origin is another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lorid_data.errors import StageError
from lorid_data.http.redaction import redact

_OF_THE_HUB = "x-repo-commit"
"""A header of the redirects by which the Hub itself hands out files."""


class LedAwayError(StageError):
    """A call was sent to where no Hub is."""


@dataclass(slots=True)
class Away:
    """Where the last request was sent to, if nothing there answered as the Hub does.

    Attributes:
        location: without its query, which may hold a signature; None where all was well.
        is_page: whether a page for people came back, as if all were well.
    """

    location: str | None = None
    is_page: bool = False

    def look(self, response: Any) -> None:
        """Take note of a reply; a hook of `httpx2.Client`."""
        headers = response.headers
        if response.has_redirect_location:
            if _OF_THE_HUB not in headers:
                target = response.request.url.join(str(headers["location"]))
                plain = target.copy_with(query=None, fragment=None, userinfo=b"")
                self.location = redact(str(plain))
            return
        is_page = str(headers.get("content-type", "")).startswith("text/html")
        if "x-error-code" in headers or (response.status_code < 400 and not is_page):
            self.location = None
        self.is_page = is_page and response.status_code < 400


@contextmanager
def watching() -> Iterator[Away]:
    """Look at every reply that the Hub's client gets meanwhile."""
    from huggingface_hub import get_session

    away = Away()
    hooks = get_session().event_hooks["response"]
    hooks.append(away.look)
    try:
        yield away
    finally:
        hooks.remove(away.look)


def said_of(location: str) -> str:
    """What to say of a redirect, and what to do."""
    return (
        f"the Hub's address redirects to {location!r}, which does not answer as the Hub does; name the address that "
        "is meant in HF_ENDPOINT, or leave the network that answers in the Hub's place"
    )
