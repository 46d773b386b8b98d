"""What the clients of OpenAI and Anthropic have in common: one generator makes both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from lorid_data.http.retrying import Transient
from lorid_data.http.transport import read_json
from lorid_data.teachers.backend import Place, failure
from lorid_data.teachers.provider_errors import ErrorInside, words_of


@contextmanager
def translated(sdk: ModuleType, place: Place, *, timeout_s: float) -> Iterator[None]:
    """What a client raises inside the block becomes what `Backend.send` raises.

    Args:
        sdk: the client's package.
        place: who was asked, and how.
        timeout_s: most that a reply may take.
    """
    try:
        yield
    except ErrorInside as e:
        raise failure(e.status, str(e), e.headers, place) from None
    except sdk.APIStatusError as e:
        headers = {k.lower(): v for k, v in e.response.headers.items()}
        said = words_of(e.body) if isinstance(e.body, dict) else ""
        raise failure(e.status_code, said or e.message, headers, place) from None
    except sdk.APITimeoutError as e:
        raise Transient(f"{place.where}: no reply within {timeout_s:g} s", maybe_paid=True) from e
    except sdk.APIConnectionError as e:
        raise Transient(
            f"{place.where}: no connection ({type(e.__cause__ or e).__name__})", maybe_paid=True
        ) from e
    except (ValueError, RecursionError) as e:
        raise Transient(f"{place.where}: the reply is not JSON", maybe_paid=True) from e


def connections() -> Any:
    """So many connections that none is waited for: how many requests are in flight is decided elsewhere.

    `None`, which stands for no limit at all, becomes aiohttp's limit of 100 on its way.
    """
    import httpx2

    return httpx2.Limits(max_connections=65536, max_keepalive_connections=65536)


async def post(client: Any, path: str, body: Mapping[str, Any]) -> tuple[Any, Mapping[str, str]]:
    """Send a body as it is; what the reply holds, and its headers, names in lower case.

    The clients' typed methods go through every key of the body and of the reply, which takes longer
    than the request itself.
    """
    import httpx2

    raw = await client.post(path, body=body, cast_to=httpx2.Response)
    return read_json(raw.content), dict(raw.headers.items())
