"""One commit through the real client against a Hub on 127.0.0.1, with every request broken once."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi

from lorid_data.errors import ConfigError, StageError
from lorid_data.http.retrying import RetryPolicy
from lorid_data.hub.calls import Patience, check_repo_id
from lorid_data.hub.push import Push, Pushed
from lorid_data.hub.state import RemoteState, Target, local_files, read_state
from lorid_data.testing.fake_hub import FakeHub, Fault
from lorid_data.testing.fake_hub_routes import Reply

# huggingface_hub 2.4 sends LFS objects in a way that its own client calls old.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
OWNED = ("default",)
PATIENT = Patience(RetryPolicy(attempts=3), sleep=lambda _: None)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    with FakeHub() as hub:
        yield hub


def folder(root: Path, content: str, shards: int = 1) -> Path:
    (root / "default").mkdir(parents=True)
    (root / "README.md").write_text(f"---\nlicense: mit\n---\n{content}\n")
    (root / "manifest.json").write_text(json.dumps({"content": content}))
    for i in range(shards):
        name = f"train-{i:05d}-of-{shards:05d}.parquet"
        (root / "default" / name).write_bytes(f"{content} {i}".encode() * 100)
    return root


def api_of(hub: FakeHub) -> HfApi:
    return HfApi(endpoint=hub.url, token=hub.token)


def push(
    hub: FakeHub, root: Path, repo: str = "me/r", tag: str = "v1", **options: object
) -> Pushed:
    target = Target(repo, "dataset", **options)  # type: ignore[arg-type]
    start = read_state(api_of(hub), target, PATIENT)
    return Push(api_of(hub), target, root, OWNED, f"Publish {tag}", tag, PATIENT).run(start)


def visible(hub: FakeHub, repo: str, revision: str = "main") -> dict[str, bytes]:
    found = hub.repo(repo)
    commit = found.at(revision) if found else None
    tree = commit.tree if commit else {}
    return {p: b.file.read_bytes() for p, b in tree.items() if p != ".gitattributes"}


def on_disk(root: Path) -> dict[str, bytes]:
    return {name: f.path.read_bytes() for name, f in local_files(root).items()}


def test_a_push_is_one_commit_and_a_tag(hub: FakeHub, tmp_path: Path) -> None:
    root = folder(tmp_path / "a", "one", shards=2)
    done = push(hub, root)
    repo = hub.repo("me/r")
    assert repo is not None
    assert done == Pushed(repo.heads["main"], made_commit=True, tag="v1")
    assert [c.title for c in repo.history("main")] == ["Publish v1", "initial commit"]
    assert visible(hub, "me/r", "v1") == on_disk(root)


def test_pushed_again_nothing_is_written(hub: FakeHub, tmp_path: Path) -> None:
    root = folder(tmp_path / "a", "one")
    first = push(hub, root)
    n = len(hub.requests)
    again = push(hub, root)
    assert (again.commit, again.made_commit) == (first.commit, False)
    assert all(r.startswith("GET ") for r in hub.requests[n:])


def test_a_new_push_deletes_old_shards_and_leaves_other_files_alone(
    hub: FakeHub, tmp_path: Path
) -> None:
    push(hub, folder(tmp_path / "a", "one", shards=3))
    api_of(hub).upload_file(
        path_or_fileobj=b"mine", path_in_repo="NOTICE", repo_id="me/r", repo_type="dataset"
    )
    new = folder(tmp_path / "b", "two", shards=1)
    push(hub, new, tag="v2")
    assert visible(hub, "me/r") == {**on_disk(new), "NOTICE": b"mine"}
    assert visible(hub, "me/r", "v1") != visible(hub, "me/r", "v2")


def test_a_head_that_moved_since_it_was_read_is_refused(hub: FakeHub, tmp_path: Path) -> None:
    push(hub, folder(tmp_path / "a", "one"))
    target = Target("me/r")
    start = read_state(api_of(hub), target, PATIENT)
    other = folder(tmp_path / "b", "other")
    push(hub, other, tag="other")
    mine = Push(api_of(hub), target, folder(tmp_path / "c", "mine"), OWNED, "m", "v3", PATIENT)
    with pytest.raises(StageError, match="has moved since it was read"):
        mine.run(start)
    assert visible(hub, "me/r") == on_disk(other)
    repo = hub.repo("me/r")
    assert repo is not None
    assert "v3" not in repo.tags


def test_a_repository_that_appeared_since_is_refused(hub: FakeHub, tmp_path: Path) -> None:
    other = folder(tmp_path / "b", "other")
    push(hub, other)
    mine = Push(
        api_of(hub), Target("me/r"), folder(tmp_path / "c", "mine"), OWNED, "m", "v3", PATIENT
    )
    with pytest.raises(StageError, match="has moved"):
        mine.run(RemoteState(exists=False))
    assert visible(hub, "me/r") == on_disk(other)


def test_of_two_publishers_at_once_one_wins_and_the_other_is_told(
    hub: FakeHub, tmp_path: Path
) -> None:
    roots = [folder(tmp_path / n, n, shards=i + 2) for i, n in enumerate("ab")]
    together = threading.Barrier(2)
    results: dict[int, Pushed | StageError] = {}

    def publisher(i: int) -> None:
        target = Target("me/r")
        start = read_state(api_of(hub), target, PATIENT)
        together.wait()
        try:
            results[i] = Push(api_of(hub), target, roots[i], OWNED, f"p{i}", f"v{i}", PATIENT).run(
                start
            )
        except StageError as e:
            results[i] = e

    threads = [threading.Thread(target=publisher, args=(i,)) for i in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    [winner] = [i for i, r in results.items() if isinstance(r, Pushed)]
    assert "has moved" in str(results[1 - winner])
    assert visible(hub, "me/r") == on_disk(roots[winner])
    repo = hub.repo("me/r")
    assert repo is not None
    assert list(repo.tags) == [f"v{winner}"]


def test_a_tag_is_never_moved(hub: FakeHub, tmp_path: Path) -> None:
    push(hub, folder(tmp_path / "a", "one"))
    n = len(hub.requests)
    with pytest.raises(ConfigError, match="tags are not moved"):
        push(hub, folder(tmp_path / "b", "two"), tag="v1")
    assert all(r.startswith("GET ") for r in hub.requests[n:])


def test_a_public_repository_is_refused_where_private_was_asked_for(
    hub: FakeHub, tmp_path: Path
) -> None:
    push(hub, folder(tmp_path / "a", "one"))
    with pytest.raises(ConfigError, match="is public"):
        push(hub, folder(tmp_path / "b", "two"), tag="v2", private=True)
    done = push(hub, tmp_path / "b", repo="me/hidden", private=True)
    assert done.made_commit
    found = hub.repo("me/hidden")
    assert found is not None
    assert found.private


def test_another_branch_is_made_and_main_stays(hub: FakeHub, tmp_path: Path) -> None:
    old = folder(tmp_path / "a", "one")
    push(hub, old)
    new = folder(tmp_path / "b", "two")
    push(hub, new, tag="v2", revision="next")
    assert visible(hub, "me/r") == on_disk(old)
    assert visible(hub, "me/r", "next") == on_disk(new)


@pytest.mark.parametrize("lost", [False, True])
def test_a_pull_request_is_opened_once(hub: FakeHub, tmp_path: Path, lost: bool) -> None:
    old, new = folder(tmp_path / "a", "one"), folder(tmp_path / "b", "two")
    push(hub, old)
    if lost:
        told: list[str] = []

        def once(_: int, request: str) -> Fault | None:
            if "/commit/" in request and not told:
                told.append(request)
                return "lost"
            return None

        hub.plan = once
    first = push(hub, new, tag="v2", create_pr=True)
    again = push(hub, new, tag="v2", create_pr=True)
    assert (first.made_commit, again.made_commit) == (True, False)
    assert first.revision == again.revision == "refs/pr/1"
    assert visible(hub, "me/r") == on_disk(old)
    assert visible(hub, "me/r", "refs/pr/1") == on_disk(new)
    repo = hub.repo("me/r")
    assert repo is not None
    assert "v2" not in repo.tags


# --- every request of a push, broken ------------------------------------------------------------

KINDS = ("429", "500", "cut", "lost", "dead", "dead after it")


def broken(at: int, kind: str) -> object:
    """Request number `at` fails once; or, when dead, it and all that follow."""

    def plan(number: int, _: str) -> Fault | None:
        if number < at or (number > at and not kind.startswith("dead")):
            return None
        if kind == "dead after it":
            return "lost" if number == at else "cut"
        return "cut" if kind == "dead" else kind  # type: ignore[return-value]

    return plan


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", ["absent", "old"])
def test_whichever_request_breaks_the_old_or_the_new_files_are_visible(
    hub: FakeHub, tmp_path: Path, start: str, kind: str
) -> None:
    """After each fault: old or new, never a mixture; the same command again completes it, once."""
    old, new = folder(tmp_path / "a", "one", shards=2), folder(tmp_path / "b", "two")
    push(hub, old, repo="me/old", tag="v1")
    template = hub.repo("me/old")
    assert template is not None

    def fresh(name: str) -> str:
        if start == "old":
            repo = copy.deepcopy(template)
            repo.id = f"me/{name}"
            hub.routes.add(repo)
        return f"me/{name}"

    before = on_disk(old) if start == "old" else {}
    n = len(hub.requests)
    push(hub, new, repo=fresh("clean"), tag="v2")
    n_requests = len(hub.requests) - n
    n_commits = len(hub.repo("me/clean").commits)  # type: ignore[union-attr]
    n_survived = 0
    for k in range(n_requests):
        repo = fresh(f"r{k}")
        hub.plan = broken(len(hub.requests) + k, kind)  # type: ignore[assignment]
        with suppress(StageError):
            push(hub, new, repo=repo, tag="v2")
            n_survived += 1
        hub.plan = None
        assert visible(hub, repo) in (before, on_disk(new)), f"request {k}: a mixture"
        push(hub, new, repo=repo, tag="v2")
        assert visible(hub, repo, "v2") == visible(hub, repo) == on_disk(new)
        assert len(hub.repo(repo).commits) == n_commits, f"request {k}: two commits"  # type: ignore[union-attr]
    if not kind.startswith("dead"):
        assert n_survived == n_requests  # one fault is waited for


@pytest.mark.parametrize(
    "repo_id",
    ["r", "me/", "me/../x", "me/x/y", "../x", "/me/x", "me/x y", "me/x\n", "me/<b>", "https://hub/me/x",
     "me/x.git", "me/a--b", "me/é", "-me/x", "me/%2e%2e"],
)  # fmt: skip
def test_what_is_no_repository_id_is_refused(repo_id: str) -> None:
    with pytest.raises(ConfigError, match="OWNER/NAME"):
        check_repo_id(repo_id)


# --- what the Hub says --------------------------------------------------------------------------


def patient(waited: list[float], **policy: float) -> Patience:
    options: dict[str, Any] = {"attempts": 4, "deadline_s": 600.0, **policy}
    return Patience(RetryPolicy(**options), sleep=waited.append)


def pushed_with(hub: FakeHub, root: Path, patience: Patience, repo: str = "me/r") -> Pushed:
    target = Target(repo)
    start = read_state(api_of(hub), target, PATIENT)
    return Push(api_of(hub), target, root, OWNED, "Publish v1", "v1", patience).run(start)


def test_a_long_wait_is_said_and_one_beyond_patience_ends(
    hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder(tmp_path / "a", "one")
    waited: list[float] = []
    busy = Reply.json({"error": "You have been rate-limited"}, status=429, Retry_After="120")
    seen: list[str] = []

    def once(number: int, request: str) -> Reply | None:
        is_first = "/commit/" in request and not seen
        seen.extend([request] if is_first else [])
        return busy if is_first else None

    hub.plan = once
    assert pushed_with(hub, root, patient(waited)).made_commit
    assert waited == [120.0]
    err = capsys.readouterr().err
    assert "committing to datasets/me/r" in err
    assert "waiting 120 s" in err

    root = folder(tmp_path / "b", "two")
    hourly = Reply.json({"error": "You have been rate-limited"}, status=429, Retry_After="1800")
    hub.plan = lambda _, request: hourly if "/commit/" in request else None
    waited.clear()
    with pytest.raises(StageError, match=r"failed once .*run the same command again after 20.* UTC, as it asks"):  # fmt: skip
        pushed_with(hub, root, patient(waited), "me/other")
    assert waited == []


def test_a_commit_that_is_refused_as_stale_for_ever_ends(hub: FakeHub, tmp_path: Path) -> None:
    stale = Reply.json({"error": "stale"}, status=412)
    hub.plan = lambda _, request: stale if "/commit/" in request else None
    waited: list[float] = []
    with pytest.raises(StageError, match="failed 4 times"):
        pushed_with(hub, folder(tmp_path / "a", "one"), patient(waited))
    assert len(waited) == 3
    with pytest.raises(StageError, match="failed once"):
        pushed_with(hub, tmp_path / "a", patient(waited, deadline_s=-1.0))


def test_what_is_wrong_with_a_card_is_all_said(hub: FakeHub, tmp_path: Path) -> None:
    faults = {"errors": [{"message": '"license" must be one of [...]'}, {"message": '"language[0]" must only contain lowercase characters'}], "warnings": []}  # fmt: skip
    bad = Reply.json(faults, status=400)
    hub.plan = lambda _, request: bad if "validate-yaml" in request else None
    with pytest.raises(StageError) as e:
        pushed_with(hub, folder(tmp_path / "a", "one"), PATIENT)
    assert '"license" must be one of' in str(e.value)
    assert '"language[0]" must only contain' in str(e.value)
