"""Whether the Hub can be reached, asked once before anything is looked up there.

The Hub's libraries repeat a request that finds no network for minutes. So the first look is a
connection alone: without one, what was downloaded before is used, and the rest fails at once.
`--wait`, on any command, waits for a network instead.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from lorid_data.commandline.progress import say
from lorid_data.commandline.waiting import is_waiting
from lorid_data.errors import StageError

_CONNECT_S, _MOST_S = 4.0, 6.0
_FRESH_S = 60.0
"""So long a failure is believed without another look."""
_PAUSE_S, _WAIT_S = 5.0, 600.0
_seen: dict[str, tuple[float, str | None]] = {}


def fault(endpoint: str | None = None) -> str | None:
    """Why the Hub cannot be reached, in a sentence; None where it can (or was told to stay off).

    Args:
        endpoint: its address; by default the one that `HF_ENDPOINT` names.
    """
    from huggingface_hub import constants

    address = endpoint or constants.ENDPOINT
    if constants.HF_HUB_OFFLINE:
        return None
    known = _seen.get(address)
    if known is not None and (known[1] is None or time.monotonic() - known[0] < _FRESH_S):
        return known[1]
    why = _tried(address)
    if why is not None and is_waiting():
        why = _waited(address, why)
    said = None if why is None else f"the Hub ({address}) cannot be reached: {why}"
    _seen[address] = (time.monotonic(), said)
    return said


def require(what: str, endpoint: str | None = None) -> None:
    """Refuse to begin what needs the Hub where it cannot be reached.

    Args:
        what: for the message: `publishing org/name`.
        endpoint: its address; by default the one that `HF_ENDPOINT` names.

    Raises:
        StageError: it cannot.
    """
    if why := fault(endpoint):
        raise StageError(
            f"{what}: {why}; check the network and run the same command again, or add --wait"
        )


@contextmanager
def reached() -> Iterator[str | None]:
    """Look things up in the Hub's cache alone while the Hub cannot be reached; gives why it cannot."""
    why = fault()
    if why is None:
        yield None
        return
    from huggingface_hub import constants

    loaded: list[Any] = [constants]
    if "datasets.config" in sys.modules:
        loaded.append(sys.modules["datasets.config"])
    before = [m.HF_HUB_OFFLINE for m in loaded]
    for m in loaded:
        m.HF_HUB_OFFLINE = True
    try:
        yield why
    finally:
        for m, value in zip(loaded, before, strict=True):
            m.HF_HUB_OFFLINE = value


def not_cached(why: str) -> str:
    """The rest of a sentence about something that is neither here nor to be had."""
    return (
        f"{why}, and it is not among the files that were downloaded before; "
        "check the network, name a local folder, or add --wait"
    )


def _waited(address: str, why: str) -> str | None:
    """Try again until there is a network, or too long has passed."""
    say(f"the Hub ({address}) cannot be reached: {why}; waiting up to {_WAIT_S / 60:.0f} minutes")
    end = time.monotonic() + _WAIT_S
    found: str | None = why
    while found is not None and time.monotonic() < end:
        time.sleep(_PAUSE_S)
        found = _tried(address)
    return found


def _tried(address: str) -> str | None:
    """Why no connection comes about within seconds; a name that nobody resolves counts as well."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
    is_proxied = parts.scheme in getproxies() and not proxy_bypass(host)
    look = _through_proxy(address) if is_proxied else _directly(host, port)
    said: list[str | None] = []
    thread = threading.Thread(target=lambda: said.append(look()), daemon=True)
    thread.start()
    thread.join(_MOST_S)
    return said[0] if said else f"no answer within {_MOST_S:.0f} s"


def _directly(host: str, port: int) -> Callable[[], str | None]:
    def look() -> str | None:
        try:
            socket.create_connection((host, port), timeout=_CONNECT_S).close()
        except OSError as e:
            return e.strerror or str(e) or type(e).__name__
        return None

    return look


def _through_proxy(address: str) -> Callable[[], str | None]:
    def look() -> str | None:
        from huggingface_hub import get_session

        try:
            get_session().head(address, timeout=_CONNECT_S)
        except Exception as e:  # noqa: BLE001  (whatever the client below raises: no reply came)
            return (str(e).splitlines() or [""])[0] or type(e).__name__
        return None

    return look
