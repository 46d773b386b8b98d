"""Who may speak to the labelling page."""

from __future__ import annotations

from typing import Any

import pytest

from lorid_data.labelling.guard import MAX_BODY, refusal

TOKEN, PORT = "s3cret", 4321
OWN = f"http://127.0.0.1:{PORT}"
POST = {
    "host": f"127.0.0.1:{PORT}",
    "origin": OWN,
    "content-type": "application/json",
    "content-length": "12",
    "sec-fetch-site": "same-origin",
}


def status(method: str, path: str = f"/{TOKEN}/api/label", **changes: str | None) -> int | None:
    headers: dict[str, Any] = {**POST, **{k.replace("_", "-"): v for k, v in changes.items()}}
    found = refusal(
        method, path, {k: v for k, v in headers.items() if v is not None}, port=PORT, token=TOKEN
    )
    return None if found is None else found.status


def test_the_page_itself_may_ask_and_post() -> None:
    assert status("GET", f"/{TOKEN}/", origin=None, content_length=None) is None
    assert status("HEAD", f"/{TOKEN}/") is None
    assert status("POST") is None
    assert status("POST", host=f"localhost:{PORT}", origin=f"http://localhost:{PORT}") is None
    assert status("POST", content_type="application/json; charset=utf-8") is None
    assert status("POST", sec_fetch_site=None) is None  # an old browser


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:4321"]
)  # fmt: skip
def test_another_name_of_this_machine_is_refused(host: str | None) -> None:
    assert status("GET", host=host) == 421
    assert status("POST", host=host) == 421


@pytest.mark.parametrize(
    "path", ["/", "", "/x/", "/s3cre/", "/s3cret2/", "/S3CRET/", "//s3cret/", "/api/label", "/\u00e9/", "/\ud800/"]
)  # fmt: skip
def test_without_the_token_there_is_nothing(path: str) -> None:
    assert status("GET", path) == 404
    assert status("POST", path) == 404


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"origin": None}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": f"https://127.0.0.1:{PORT}"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"origin": f"{OWN}.evil.example"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"content_type": None}, 415),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"content_length": None}, 411),
        ({"content_length": "-1"}, 411),
        ({"content_length": str(MAX_BODY + 1)}, 413),
        ({"content_length": "9" * 5_000}, 413),
    ],
)
def test_posts_from_elsewhere_are_refused(changes: dict[str, str | None], expected: int) -> None:
    assert status("POST", **changes) == expected


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(method: str) -> None:
    assert status(method) == 405
