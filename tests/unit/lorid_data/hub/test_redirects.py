"""Where the Hub's address redirects to is named, and no token goes there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from lorid_data.errors import StageError
from lorid_data.http.retrying import RetryPolicy
from lorid_data.hub.calls import Patience, calling
from lorid_data.hub.push import Push
from lorid_data.hub.state import Target, read_state
from lorid_data.testing.fake_hub import FakeHub, moved
from lorid_data.testing.fake_hub_routes import Reply

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
PATIENT = Patience(RetryPolicy(attempts=3), sleep=lambda _: None)
PAGE = Reply(200, {"Content-Type": "text/html"}, b"<html>Sign in to the guest network")
ELSEWHERE = {
    "a page": PAGE,
    "a page that is no success": Reply(403, {"Content-Type": "text/html"}, b"<html>no"),
    "JSON of something else": Reply.json({"hello": "world"}, status=404),
    "nothing": Reply(404),
}


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        yield hub


@pytest.fixture
def other() -> Iterator[FakeHub]:
    """Another address, with what it answers in its `plan`; it writes down what it was given."""
    with FakeHub() as other:
        yield other


def api_of(hub: FakeHub) -> HfApi:
    return HfApi(endpoint=hub.url, token=hub.token)


def publish(hub: FakeHub, root: Path) -> None:
    target = Target("me/r", "dataset")
    start = read_state(api_of(hub), target, PATIENT)
    Push(api_of(hub), target, root, ("default",), "Publish", "v1", PATIENT).run(start)


def folder(root: Path) -> Path:
    (root / "default").mkdir(parents=True)
    (root / "README.md").write_text("---\nlicense: mit\n---\n")
    (root / "default" / "train-00000-of-00001.parquet").write_bytes(b"rows" * 100)
    return root


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("answer", list(ELSEWHERE))
def test_the_address_is_named_and_gets_no_token(
    status: int, answer: str, hub: FakeHub, other: FakeHub
) -> None:
    hub.plan = lambda *_: moved(f"{other.url}/login?next=secret#here", status)
    other.plan = lambda *_: ELSEWHERE[answer]
    with pytest.raises(StageError, match="redirects to") as e:
        read_state(api_of(hub), Target("me/r", "dataset"), PATIENT)
    assert f"redirects to '{other.url}/login'" in str(e.value)
    assert "HF_ENDPOINT" in str(e.value)
    assert "secret" not in str(e.value)
    assert len(hub.requests) == 1  # it is not asked again and again
    assert set(other.authorizations) <= {None}
    assert hub.authorizations == [f"Bearer {hub.token}"]


PARTS: dict[str, Callable[[str], bool]] = {
    "create": lambda r: "/api/repos/create" in r,
    "preupload": lambda r: "/preupload/" in r,
    "objects": lambda r: "/info/lfs/objects/batch" in r,
    "upload": lambda r: "PUT /_lfs" in r,
    "commit": lambda r: "POST" in r and "/commit/" in r,
    "tag": lambda r: "POST" in r and "/tag/" in r,
}


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("part", list(PARTS))
def test_whatever_of_a_publication_is_redirected(
    status: int, part: str, hub: FakeHub, other: FakeHub, tmp_path: Path
) -> None:
    hub.plan = lambda _, request: moved(f"{other.url}/login", status) if PARTS[part](request) else None  # fmt: skip
    other.plan = lambda *_: PAGE
    with pytest.raises(StageError, match="redirects to") as e:
        publish(hub, folder(tmp_path / "f"))
    assert f"'{other.url}/login'" in str(e.value)
    assert set(other.authorizations) <= {None}
    hub.plan = None  # the network is left, and the same command ends the work
    publish(hub, tmp_path / "f")
    found = hub.repo("me/r")
    assert found is not None
    assert "default/train-00000-of-00001.parquet" in found.at("v1").tree  # type: ignore[union-attr]


def test_addresses_that_redirect_in_a_circle(hub: FakeHub) -> None:
    hub.plan = lambda *_: moved(f"{hub.url}/again")
    with pytest.raises(StageError, match=rf"redirects to '{hub.url}/again'"):
        read_state(api_of(hub), Target("me/r", "dataset"), PATIENT)


def test_a_repository_that_was_renamed_is_read(hub: FakeHub, tmp_path: Path) -> None:
    """The Hub's own redirects are followed without a word."""
    publish(hub, folder(tmp_path / "f"))
    hub.plan = lambda _, r: moved(r.partition(" ")[2].replace("me/old", "me/r"), 307) if "me/old" in r else None  # fmt: skip
    state = read_state(api_of(hub), Target("me/old", "dataset"), PATIENT)
    assert state.head == hub.repo("me/r").heads["main"]  # type: ignore[union-attr]


def test_an_error_of_the_hub_behind_a_redirect_stays_what_it_is(hub: FakeHub, other: FakeHub) -> None:  # fmt: skip
    """A mirror that hands over to another Hub, which says that there is no such repository."""
    hub.plan = lambda _, r: moved(other.url + r.partition(" ")[2])
    assert read_state(api_of(hub), Target("me/r", "dataset"), PATIENT).head is None
    assert set(other.authorizations) == {None}


def test_a_redirect_to_what_is_down_is_waited_for(hub: FakeHub, other: FakeHub) -> None:
    hub.plan = lambda *_: moved(f"{other.url}/x")
    other.plan = lambda *_: Reply(503)
    with pytest.raises(StageError, match="failed 3 times"):
        calling("asking", lambda: api_of(hub).repo_info("me/r", repo_type="dataset"), PATIENT)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["import", "build"])
def test_a_command_names_the_address(command: str, hub: FakeHub, other: FakeHub, tmp_path: Path) -> None:  # fmt: skip
    hub.plan = lambda *_: moved(f"{other.url}/login")
    other.plan = lambda *_: PAGE
    env = {**os.environ, **hub.environment, "HF_HOME": str(tmp_path / "home")}
    more = ["--teacher", "none"] if command == "build" else []
    argv = [sys.executable, "-m", "lorid_data", command, "some/data", "--out", str(tmp_path / "o"), *more]  # fmt: skip
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert f"redirects to '{other.url}/login'" in done.stderr
    assert "Traceback" not in done.stderr
    assert hub.token not in done.stderr
    assert set(other.authorizations) <= {None}
    assert not (tmp_path / "o").exists()
