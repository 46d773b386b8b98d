"""`lorid-data publish` against a Hub on 127.0.0.1, loaded back by a process without our package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lorid_data.build.importing import import_table
from lorid_data.testing.fake_hub import FakeHub, Fault
from lorid_data.validate.stage import validate

ALLOW = ("--allow", "decontaminate", "audit")
LOAD = """
import hashlib, json, sys
import datasets
repo, tag = sys.argv[1:]
found = {}
for config in datasets.get_dataset_config_names(repo, revision=tag):
    for split, rows in datasets.load_dataset(repo, config, revision=tag).items():
        digest = hashlib.sha256()
        for row in rows:
            text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            digest.update(text.encode() + b"\\n")
        found[f"{config}/{split}"] = [len(rows), digest.hexdigest()]
assert not [m for m in sys.modules if m.startswith("lorid")]
print(json.dumps(found))
"""


def dataset(root: Path, n: int = 10) -> Path:
    rows = [
        {
            "question": f"How much is $\\frac{{{i}}}{{2}}$ + 1 in {split}? naïve ∑ {n}",
            "rationale": f"It is {i + 1}",
            "answer": str(i + 1 if i < n - 2 else 99),
            "knowledge": ["Add the numbers.", "Divide first."],
            "split": split,
            "licence": "CC-BY-4.0",
        }
        for split in ("train", "test")
        for i in range(n)
    ]
    root.mkdir()
    (root / "rows.jsonl").write_text("\n".join(json.dumps(r) for r in rows), encoding="utf-8")
    import_table(root / "rows.jsonl", root / "mine")
    validate(root / "mine", root / "ok")
    return root / "ok"


class Run:
    """Commands in processes that take a fake Hub for the Hub."""

    def __init__(self, hub: FakeHub, home: Path) -> None:
        self.hub, self.home = hub, home
        self.said = ""

    def env(self) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
        return {**env, **self.hub.environment, "HF_HOME": str(self.home)}

    def publish(self, *argv: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lorid_data", "publish", *argv]
        done = subprocess.run(command, env=self.env(), capture_output=True, text=True, check=False)
        self.said += done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def load(self, repo: str, tag: str, cwd: Path) -> dict[str, Any]:
        env = {k: v for k, v in self.env().items() if k != "PYTHONPATH"} | {
            "HF_HOME": str(cwd / "fresh"),
            "PYTHONSAFEPATH": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", LOAD, repo, tag],
            env=env, cwd=cwd, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with FakeHub() as hub:
        yield Run(hub, tmp_path / "home")


def commits(run: Run) -> list[str]:
    repo = run.hub.repo("me/mine")
    return [c.title for c in repo.history("main")] if repo else []


@pytest.mark.slow
def test_round_trip(run: Run, tmp_path: Path) -> None:
    """Six configurations × two splits: published, loaded by tag elsewhere, equal; then idempotent."""
    folder = dataset(tmp_path / "d")
    done = run.publish(str(folder), "me/mine", *ALLOW, "--tag", "v1", "--language", "en")
    assert done.returncode == 0, done.stderr
    assert "one commit, tag v1; loaded back and equal" in done.stdout
    repo = run.hub.repo("me/mine")
    assert repo is not None
    tree = repo.at("v1").tree  # type: ignore[union-attr]
    facts = json.loads(tree["publish.json"].file.read_text())
    wanted = {
        f"{config}/{split}": [f["n_rows"], f["content_sha256"]]
        for config, splits in facts["configs"].items()
        for split, f in splits.items()
    }
    assert len(wanted) == 12
    assert run.load("me/mine", "v1", tmp_path) == wanted
    assert commits(run) == ["Publish mine as v1", "initial commit"]

    again = run.publish(str(folder), "me/mine", *ALLOW, "--tag", "v1", "--language", "en")
    assert (again.returncode, len(commits(run))) == (0, 2), again.stderr
    assert "nothing changed, no commit" in again.stdout

    changed = run.publish(str(folder), "me/mine", *ALLOW, "--tag", "v1", "--title", "New")
    assert (changed.returncode, len(commits(run))) == (2, 2)
    assert "tags are not moved" in changed.stderr

    dry = run.publish(
        str(folder), "me/mine", *ALLOW, "--tag", "v2", "--dry-run", "--out", str(tmp_path / "out")
    )
    assert (dry.returncode, len(commits(run))) == (0, 2), dry.stderr
    assert "~ README.md" in dry.stdout
    assert "left alone: .gitattributes" in dry.stdout
    assert (tmp_path / "out/README.md").is_file()

    token = run.hub.token
    assert token not in run.said
    for root in (tmp_path, run.hub.blobs):
        for path in root.rglob("*"):
            assert token not in path.name
            assert not path.is_file() or token.encode() not in path.read_bytes(), path
    assert not any(token in r for r in run.hub.requests)


def test_gates_stop_it_before_anything_is_sent(run: Run, tmp_path: Path) -> None:
    done = run.publish(str(dataset(tmp_path / "d")), "me/mine")
    assert done.returncode == 1
    assert "gate 'decontaminate' is not met" in done.stderr
    assert "gate 'audit' is not met" in done.stderr
    assert [r for r in run.hub.requests if not r.startswith("GET ")] == []


@pytest.mark.parametrize("repo_id", ["../me", "me", "me/x/y", "https://hub/me/x"])
def test_what_is_no_repository_id_is_status_2(run: Run, tmp_path: Path, repo_id: str) -> None:
    done = run.publish(str(tmp_path), repo_id)
    assert (done.returncode, run.hub.requests) == (2, [])
    assert "OWNER/NAME" in done.stderr


def test_a_wrong_token_is_said_and_not_shown(run: Run, tmp_path: Path) -> None:
    folder = dataset(tmp_path / "d")
    good, run.hub.token = run.hub.token, "hf_wrong0123456789wrong"
    done = run.publish(str(folder), "me/mine", *ALLOW)
    assert done.returncode == 1
    assert "check the token" in done.stderr
    assert run.hub.token not in run.said
    assert good not in run.said


@pytest.mark.slow
def test_two_publishers_at_once(run: Run, tmp_path: Path) -> None:
    """One wins, the other is told, and the winner's rows are whole."""
    one, two = dataset(tmp_path / "one", 10), dataset(tmp_path / "two", 12)
    first = run.publish(str(one), "me/mine", *ALLOW, "--tag", "first")
    assert first.returncode == 0, first.stderr
    told: list[str] = []

    def other_first(_: int, request: str) -> Fault | None:
        if "/preupload/" in request and not told:
            told.append(request)
            run.hub.plan = None
            winner = run.publish(str(two), "me/mine", *ALLOW, "--tag", "winner", "--title", "Two")
            assert winner.returncode == 0, winner.stderr
        return None

    run.hub.plan = other_first
    loser = run.publish(str(one), "me/mine", *ALLOW, "--tag", "loser", "--title", "One")
    assert loser.returncode == 1
    assert "has moved since it was read" in loser.stderr
    assert commits(run) == ["Publish mine as winner", "Publish mine as first", "initial commit"]
    repo = run.hub.repo("me/mine")
    assert repo is not None
    assert set(repo.tags) == {"first", "winner"}
    assert run.load("me/mine", "winner", tmp_path)["default/train"][0] == 10


@pytest.mark.slow
def test_a_lost_reply_of_the_commit_makes_no_second_one(run: Run, tmp_path: Path) -> None:
    lost: list[str] = []

    def plan(_: int, request: str) -> Fault | None:
        if "/commit/" in request and not lost:
            lost.append(request)
            return "lost"
        return None

    run.hub.plan = plan
    done = run.publish(str(dataset(tmp_path / "d")), "me/mine", *ALLOW, "--tag", "v1")
    assert (done.returncode, lost) == (0, ["POST /api/datasets/me/mine/commit/main"]), done.stderr
    assert commits(run) == ["Publish mine as v1", "initial commit"]


STREAMED = """
import sys
from pathlib import Path
from lorid_data.publish.stage import PublishOptions, publish
allow = ("decontaminate", "audit")
options = PublishOptions(repo_id="me/mine", allow=allow, stream_above_bytes=0, max_shard_bytes=100_000)
print(publish(Path(sys.argv[1]), options).n_rows)
"""


@pytest.mark.slow
def test_large_splits_are_in_shards_and_streamed_back(run: Run, tmp_path: Path) -> None:
    folder = dataset(tmp_path / "d", 1500)
    command = [sys.executable, "-c", STREAMED, str(folder)]
    done = subprocess.run(command, env=run.env(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "2996\n"), done.stderr
    repo = run.hub.repo("me/mine")
    assert repo is not None
    tree = repo.at("main").tree  # type: ignore[union-attr]
    shards = {p: b.size for p, b in tree.items() if p.startswith("default/train-")}
    assert len(shards) > 1
    assert max(shards.values()) <= 100_000


@pytest.mark.slow
def test_rows_that_came_back_changed_are_told(run: Run, tmp_path: Path) -> None:
    """The Hub gives other bytes than it was given: loading back finds it."""
    folder = dataset(tmp_path / "d")

    def swap(_: int, request: str) -> Fault | None:
        repo = run.hub.repo("me/mine")
        if request.startswith("HEAD ") and repo is not None:
            tree = repo.at("main").tree  # type: ignore[union-attr]
            shards = sorted(p for p in tree if p.startswith("kg/"))
            tree[shards[0]] = tree[shards[1]]  # type: ignore[index]
        return None

    run.hub.plan = swap
    done = run.publish(str(folder), "me/mine", *ALLOW)
    assert done.returncode == 1
    assert "does not load back as it should" in done.stderr
    assert "(kg, t" in done.stderr
    assert "(ir, t" not in done.stderr
