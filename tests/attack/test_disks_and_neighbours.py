"""A full disk, a read-only folder and several processes on one folder."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lorid_data.cli.app import main
from lorid_data.errors import LockedError
from lorid_data.folders.files import LOCK, atomic_path, locked, write_text
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import CONFIG, MANIFEST
from lorid_data.folders.stage import open_stage

ROOT = Path(__file__).parents[2]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [{"question": f"What is {i} + 1? {'x' * 200}", "rationale": f"{i + 1}", "answer": str(i + 1), "knowledge": [f"Add {i}."]} for i in range(60)]  # fmt: skip
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return tmp_path / "t.jsonl"


def run(argv: list[str], before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-m", "lorid_data", *argv], env=env, capture_output=True, text=True, check=False, preexec_fn=before)  # fmt: skip


def full() -> None:
    """No file may grow past 2,000 bytes: what a full disk looks like, without one."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))


@pytest.mark.parametrize("command", ["import", "validate", "audit", "view"])
def test_a_full_disk_is_said_and_the_command_goes_on_once_there_is_room(
    table: Path, tmp_path: Path, command: str
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    argv = {"import": ["import", str(table), "--out", str(out)], "validate": ["validate", str(folder), "--out", str(out)],
            "audit": ["audit", str(folder)], "view": ["view", str(folder), "--out", str(out)]}[command]  # fmt: skip
    assert main(["import", str(table), "--out", str(folder)]) == 0
    ran = run(argv, full)
    assert ran.returncode == 1, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "full" in ran.stderr or "large" in ran.stderr
    assert run(argv).returncode in (0, 1)
    assert not list(tmp_path.rglob("*.tmp")) or command == "view"


def test_our_own_leftovers_are_ours(tmp_path: Path) -> None:
    """What a kill in the first file leaves, and what another process has just begun."""
    out = tmp_path / "out"
    out.mkdir()
    (out / LOCK).touch()
    (out / f".{CONFIG}.0a1b2c3d.tmp").write_text("half")
    (out / f".{CONFIG}.tmp").write_text("by an earlier version")
    with open_stage(out, "x", identity={}) as stage:
        assert sorted(p.name for p in out.iterdir()) == [LOCK, CONFIG]
        with pytest.raises(LockedError), open_stage(out, "x", identity={}):
            pass
        stage.finish(n_in=0, n_kept=0, n_rejected={})
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.tex").touch()
    from lorid_data.errors import ConfigError

    with pytest.raises(ConfigError, match="not made by this project"), open_stage(tmp_path / "theirs", "x", identity={}):  # fmt: skip
        pass
    assert [p.name for p in (tmp_path / "theirs").iterdir()] == ["thesis.tex"]


def test_processes_that_start_together_are_told_of_each_other(table: Path, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "lorid_data", "import", str(table), "--out", str(tmp_path / "out")]  # fmt: skip
    started = [subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]  # fmt: skip
    ended = [(p.communicate()[1], p.returncode) for p in started]
    assert sorted({status for _, status in ended}) in ([0], [0, 1])
    for said, status in ended:
        assert status == 0 or "another process is working here" in said
    assert read_manifest(tmp_path / "out").n_kept == 60


def test_a_finished_folder_on_a_read_only_disk_is_done(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    argv = ["import", str(table), "--out", str(out)]
    assert main(argv) == 0
    opened = os.open

    def read_only(path: object, flags: int, *more: int, **named: int) -> int:
        if str(path).startswith(str(out)) and flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(30, "Read-only file system", str(path))
        return opened(path, flags, *more, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "open", read_only)
    assert main(argv) == 0
    (out / MANIFEST).unlink()
    assert main(argv) == 1


def test_no_link_that_was_planted_is_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    out = tmp_path / "out.html"
    for name in (".out.html.tmp", ".lock"):
        (tmp_path / name).symlink_to(victim)
    write_text(out, "page")
    with atomic_path(out) as tmp:
        assert not tmp.is_symlink()
        tmp.write_text("page 2")
    with pytest.raises(OSError, match=r"symbolic links|Too many levels"), locked(tmp_path):
        pass
    assert (victim.read_text(), out.read_text()) == ("precious", "page 2")
