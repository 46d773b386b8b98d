"""Temporary folders, planted links, commands that run twice or side by side, and files that are garbage."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lorid_data.cli.app import main
from lorid_data.commandline.failures import disk_is_full
from lorid_data.commandline.program import run
from lorid_data.errors import ConfigError, StageError
from lorid_data.folders.files import atomic_folder, locked, open_lock
from lorid_data.publish.stage import _labels
from lorid_train.cli import app
from lorid_train.models.merge import NOTE
from lorid_train.training import checkpoints

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")
ROOT = Path(__file__).parents[2]
support = runpy.run_path(str(ROOT / "tests" / "support" / "served_evaluation.py"))

# --- folders that appear whole -------------------------------------------------------------------


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "a" / "out") as tmp:
        (tmp / "x").write_text("1")
        assert not (tmp_path / "a" / "out").exists()
    assert names(tmp_path / "a") == ["out"]
    with pytest.raises(IsADirectoryError), atomic_folder(tmp_path / "b") as tmp:
        tmp.write_text("1")
    assert names(tmp_path) == ["a"]
    with pytest.raises(FileExistsError), atomic_folder(tmp_path / "a" / "out"):
        pass
    with atomic_folder(tmp_path / "a" / "out", replace=True) as tmp:
        (tmp / "y").write_text("2")
    assert (names(tmp_path / "a"), names(tmp_path / "a" / "out")) == (["out"], ["y"])


def test_what_killed_ones_left_goes_and_what_others_work_on_stays(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "precious").touch()
    for dead in (".out.tmp", ".out.0a1b2c3d.tmp"):
        (tmp_path / dead).mkdir()
        (tmp_path / dead / "half").touch()
    (tmp_path / ".out.ffffffff.tmp").symlink_to(tmp_path / "victim")
    (tmp_path / ".out.thesis.tmp").mkdir()
    with atomic_folder(tmp_path / "out") as first:
        (first / "x").touch()
        with atomic_folder(tmp_path / "out") as second:
            assert (first / "x").exists()
            (second / "y").touch()
        with pytest.raises(FileExistsError):
            raise FileExistsError if names(tmp_path / "out") == ["y"] else AssertionError
        shutil.rmtree(tmp_path / "out")
    assert names(tmp_path) == [".out.ffffffff.tmp", ".out.thesis.tmp", "out", "victim"]
    assert names(tmp_path / "victim") == ["precious"]


@pytest.mark.parametrize("lock", [lambda p: open_lock(p / ".x.lock"), lambda p: locked(p).__enter__()])  # fmt: skip
def test_no_lock_is_opened_through_a_link(tmp_path: Path, lock: object) -> None:
    (tmp_path / "victim").write_text("precious")
    for name in (".x.lock", ".lock"):
        (tmp_path / name).symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match=r"symbolic|Too many"):
        lock(tmp_path)  # type: ignore[operator]
    assert (tmp_path / "victim").read_text() == "precious"


def test_files_are_opened_for_writing_where_links_are_thought_of() -> None:
    """`open(…, "w")` follows a link; each use is looked at here."""
    import ast

    found = set()
    for package in ("lorid_data", "lorid_train"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("open", "OSFile"):  # fmt: skip
                    modes = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]  # fmt: skip
                    if any(set(m) & set("wax") and len(m) < 4 for m in modes):
                        found.add(path.relative_to(ROOT / package).as_posix())
    # Shards, tokens and logs lie in folders of our own, which are locked or were just made; jobs and
    # sealed rows are written under a name that nobody can foresee; `running` opens the null device.
    assert {f for f in found if not f.startswith("testing/")} == {"publish/shards.py", "training/tokens.py", "training/curves.py", "study/pool.py", "distributed/jobs.py", "distributed/running.py", "folders/sealed_rows.py"}  # fmt: skip


# --- dry runs ------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    row = {"question": "What is 1 + 1?", "rationale": "1 + 1 = 2", "answer": "2", "knowledge": ["Add."], "licence": "MIT"}  # fmt: skip
    (tmp_path / "t.jsonl").write_text(json.dumps(row) + "\n")
    assert main(["import", str(tmp_path / "t.jsonl"), "--out", str(tmp_path / "in")]) == 0
    return tmp_path / "in"


def dry_run(folder: Path, out: Path) -> int:
    return main(["publish", str(folder), "me/x", "--dry-run", "--out", str(out), "--allow", "audit", "--allow", "validate", "--allow", "decontaminate"])  # fmt: skip


def test_a_dry_run_takes_the_place_of_a_dry_run_alone(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert dry_run(table, out) == 0
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert dry_run(table, out) == 0
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    (out / "thesis.tex").write_text("mine")
    assert dry_run(table, out) == 2
    assert "'thesis.tex' in it has changed since" in capsys.readouterr().err
    assert (out / "thesis.tex").read_text() == "mine"


@pytest.mark.parametrize("kind", ["looks like ours", "link to ours", "link", "file", "garbage", "hollow"])  # fmt: skip
def test_a_dry_run_deletes_nothing_that_is_not_one(table: Path, tmp_path: Path, kind: str) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    if kind == "file":
        out.write_text("x")
    elif kind.startswith("link"):
        assert dry_run(table, other) == 0 if "ours" in kind else other.mkdir() is None
        (other / "mine").touch()
        out.symlink_to(other)
    else:
        out.mkdir()
        for name in ("README.md", "publish.json", "mine"):
            (out / name).write_text("{}")
        if kind != "looks like ours":
            (out / ".dry-run.json").write_text("[1" if kind == "garbage" else '{"files": {}}')
    assert dry_run(table, out) == 2
    assert os.path.lexists(out)
    assert (out / "mine").exists() or out.is_file()


# --- merges --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained")
    shutil.copytree(tiny_base, root / "base")
    support["make_run"](root / "base", root / "run")
    support["dataset"](root / "data", support["questions"](1))
    return root


def merge(root: Path, out: Path) -> int:
    return run(app, ["merge", str(root / "run" / "adapters" / "ir"), "--out", str(out)])


def test_a_merge_that_is_done_is_done(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    out = tmp_path / "out"
    assert merge(trained, out) == 0
    said, files = capsys.readouterr().out, {p: p.stat().st_mtime_ns for p in out.iterdir()}
    assert merge(trained, out) == 0
    assert capsys.readouterr().out == said
    assert {p: p.stat().st_mtime_ns for p in out.iterdir()} == files
    assert run(app, ["merge", str(trained / "run" / "adapters" / "kg"), "--out", str(out)]) == 2
    assert "holds another model" in capsys.readouterr().err
    (out / "config.json").write_text("{}")
    assert merge(trained, out) == 2
    assert "'config.json' in it has changed since" in capsys.readouterr().err
    (out / NOTE).unlink()
    assert merge(trained, out) == 2


def test_merges_side_by_side_make_one(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "victim").mkdir()
    (tmp_path / ".out.tmp").symlink_to(tmp_path / "victim")
    argv = [sys.executable, "-m", "lorid_train", "merge", str(trained / "run" / "adapters" / "ir"), "--out", str(out)]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = [subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert names(tmp_path) == [".out.tmp", "out", "victim"]
    assert names(tmp_path / "victim") == []


# --- garbage -------------------------------------------------------------------------------------

GARBAGE = [b"", b"\0" * 64, b"[]", b"{", b"null", b'{"a": ' * 9999, b"\xff\xfe", b"\xff" * 99, b'{"role": 1}', b"{}"]  # fmt: skip
FILES = [
    "run/adapters/ir/adapter_model.safetensors", "run/adapters/ir/adapter_config.json", "run/adapters/ir/lorid.json",
    "base/config.json", "base/tokenizer.json", "base/tokenizer_config.json", "base/model.safetensors", "base/generation_config.json",
    "data/manifest.json", "data/records.parquet",
]  # fmt: skip
TAKEN = {(f"base/{name}_config.json", meaning) for name in ("generation", "tokenizer") for meaning in (b"{}", b'{"role": 1}')}  # fmt: skip
"""Files that may be empty of meaning, or say what nobody asks for."""


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", ["merge", "evaluate"])
def test_garbage_is_a_sentence(
    trained: Path, tmp_path: Path, name: str, command: str, capsys: pytest.CaptureFixture[str], every: int
) -> None:  # fmt: skip
    if command == "merge" and name.split("/")[0] not in ("run", "base"):
        pytest.skip("a merge reads no data")
    root = Path(shutil.copytree(trained, tmp_path / "r"))
    step = 1 if every == 1 else 3
    for i, garbage in enumerate(GARBAGE[hash_of(name) % step :: step]):
        path = root / name
        before = path.read_bytes() if path.exists() else None
        path.write_bytes(garbage)
        if command == "merge":
            argv = ["merge", str(root / "run" / "adapters" / "ir"), "--base", str(root / "base"), "--out", str(root / f"m{i}")]  # fmt: skip
        else:
            argv = ["evaluate", "--adapters", str(root / "run"), "--base", str(root / "base"), "--dataset", str(root / "data"), "--out", str(root / f"e{i}"), "--rounds", "1", "--max-new-tokens", "2"]  # fmt: skip
        status = run(app, argv)  # an error that nobody expects is raised
        said = capsys.readouterr().err
        assert status in (1, 2) or command == "merge" or (name, garbage) in TAKEN, (garbage, said)
        if before is not None:
            path.write_bytes(before)
        else:
            path.unlink()


def hash_of(name: str) -> int:
    return sum(name.encode())


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a": "b", "a": "c"}', "[" * 99999])
def test_a_garbled_list_of_a_checkpoint_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "checkpoint-5").mkdir()
    (tmp_path / "checkpoint-5" / "complete.json").write_text(text)
    with pytest.raises(StageError, match=r"complete\.json cannot be read.*Delete"):
        checkpoints.latest(tmp_path)


@pytest.mark.parametrize("change", ["labels.json", "labels.parquet"])
def test_labels_that_have_changed_are_not_published(table: Path, tmp_path: Path, change: str) -> None:  # fmt: skip
    from lorid_data.labelling.session import Session

    session = Session(table, "me", seed=0, n_samples=1)
    session.write()
    session.close()
    assert dry_run(table, tmp_path / "out") == 0
    data = bytearray((table / change).read_bytes())
    data[data.index(b"seed") + 7 if change == "labels.json" else len(data) // 2] ^= 1
    (table / change).write_bytes(data)
    with pytest.raises(ConfigError, match=change):
        _labels(table)
    assert dry_run(table, tmp_path / "out") == 2


# --- what else ------------------------------------------------------------------------------------


def test_a_database_that_cannot_grow_says_that_the_disk_is_full(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sqlite3, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "from lorid_data.commandline.failures import status_of\n"
        f"c = sqlite3.connect({str(tmp_path / 'j.sqlite')!r})\n"
        "try:\n"
        "    c.execute('CREATE TABLE t (x)')\n"
        "    with c: c.execute('INSERT INTO t VALUES (?)', ('x' * 10**6,))\n"
        "except sqlite3.Error as e:\n"
        "    sys.exit(status_of(e))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)  # fmt: skip
    assert (ran.returncode, "the disk is full" in ran.stderr) == (1, True), ran.stderr
    assert not disk_is_full(ValueError("x"))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux ends the children of what dies")  # fmt: skip
def test_a_studys_worker_ends_with_the_study() -> None:
    """One that is busy, and so sees no closed pipe, too."""
    worker = "import time, lorid_train.study.worker as w; w._die_with_the_study(); print('up', flush=True); time.sleep(600)"  # fmt: skip
    study = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {worker!r}], stdout=subprocess.PIPE); p.stdout.readline(); print(p.pid, flush=True); p.wait()"  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", study], env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)  # fmt: skip
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():  # fmt: skip
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("it lives on")
