"""Redirects, which are named and never followed with a key."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from lorid_data.http.redaction import redact


def is_redirect(status: int | None) -> bool:
    """Whether a reply sends its reader elsewhere."""
    return status is not None and 300 <= status < 400


def redirect_said(status: int, headers: Mapping[str, str]) -> str:
    """Where a reply of such a status leads to, for a message: `redirects (308) to 'https://…'`.

    Without user, query and fragment, which may hold secrets.
    """
    stated = next((v for k, v in headers.items() if k.lower() == "location"), None)
    if stated is None:
        return f"redirects ({status}) and does not say where to"
    try:
        parts = urlsplit(stated)
        host = parts.netloc.rpartition("@")[2]
        plain = urlunsplit((parts.scheme, host, parts.path, "", ""))
    except ValueError:
        plain = stated.partition("?")[0]
    return f"redirects ({status}) to {redact(plain)!r}"
