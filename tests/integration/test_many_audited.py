"""Audit, view, label and publish on more rows than one batch: no memory for rows, the same bytes from any number of processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lorid_data.audit.stage import AuditOptions, audit
from lorid_data.cli.app import main
from lorid_data.folders.batches import DatasetWriter
from lorid_data.folders.files import sha256_file
from lorid_data.folders.stage import open_stage
from lorid_data.schema import (
    Disposition,
    Provenance,
    Record,
    Reject,
    RejectReason,
    make_problem,
    row_ids,
)

ROOT = Path(__file__).parents[2]
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"}


def rows(n: int, n_words: int) -> Iterator[Record]:
    """A fifth of the rows leaks its answer; lists and rules recur, variants disagree, some hold markup."""
    for i in range(n):
        more = f"Add to get {2 * i + 1}." if i % 5 == 0 else f"Add the {i // 3 % 97} parts." + " Say how." * (n_words // 9)  # fmt: skip
        answer = str(2 * i + 1) if i % 7 else "3"
        markup = "</script><script>alert(1)</script>" if i % 100 == 0 else ""
        problem = make_problem(
            source="t", split="train" if i % 9 else "test", question=f"What is {i} + {i + 1}?{markup} " + "Say how. " * n_words, licence="MIT",
            rationale=f"{i} + {i + 1} = {2 * i + 1}. " + "So it is. " * n_words + f"The answer is {2 * i + 1}.", answer=answer, original_id=f"o{i // 3}",
            knowledge=("Add the numbers.", more),
        )  # fmt: skip
        [row_id] = row_ids([problem])
        yield Record(row_id=row_id, provenance=Provenance(teacher="none"), **problem.model_dump())


def folder_of(out: Path, n: int, *, n_words: int = 20) -> Path:
    with open_stage(out, "import", identity={"n": n}) as stage, DatasetWriter(stage) as writer:
        writer.keep(rows(n, n_words))
        writer.reject(
            Reject(row_id=f"r{i}", stage="import", disposition=Disposition.DROP, reason=RejectReason.ROW_UNREADABLE, detail="<b>", evidence="x" * n_words, split="train")
            for i in range(n // 2)
        )  # fmt: skip
        writer.finish(n_in=n + n // 2)
    return out


def tree(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): sha256_file(p)
        for p in folder.rglob("*")
        if p.is_file() and not p.name.startswith(".")
    }


def test_any_number_of_processes_writes_the_same_bytes(tmp_path: Path) -> None:
    made = [tree(folder_of(tmp_path / str(n) / "data", 1300)) for n in (1, 2, 4)]
    assert made[0] == made[1] == made[2]
    for n in (1, 2, 4):
        assert main(["audit", str(tmp_path / str(n) / "data"), "--workers", str(n)]) == 1
    made = [tree(tmp_path / str(n) / "data") for n in (1, 2, 4)]
    assert made[0] == made[1] == made[2]
    body = json.loads((tmp_path / "4" / "data" / "audit.json").read_text(encoding="utf-8"))
    checks = {f["check"] for flags in body["rows"].values() for f in flags}
    assert {"answer_leak", "answer_conflict", "frequent_rule", "shared_list"} <= checks
    html = (tmp_path / "4" / "data" / "audit.html").read_text(encoding="utf-8")
    assert "alert(1)</script>" not in html


def test_killed_in_the_middle_the_next_run_ends_the_same(tmp_path: Path) -> None:
    for name in ("calm", "killed"):
        folder_of(tmp_path / name / "data", 1300)
    folder = tmp_path / "killed" / "data"
    command = [sys.executable, "-m", "lorid_data", "audit", str(folder), "--workers", "2"]
    before = set(folder.iterdir())
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL) as program:  # fmt: skip
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children")
        deadline = time.monotonic() + 60
        while len(children.read_text().split()) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        program.send_signal(signal.SIGKILL)
    assert program.returncode == -signal.SIGKILL
    assert {p.name for p in set(folder.iterdir()) - before} <= {".lock", ".verified.json"}
    for name in ("calm", "killed"):
        audit(tmp_path / name / "data", AuditOptions(), n_workers=2)
    assert tree(tmp_path / "calm" / "data") == tree(folder)


@pytest.fixture(scope="module")
def small_and_large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Rows of 5 KB: held as objects, the large folder's would take more than 60 MiB beyond the small one's."""
    root = tmp_path_factory.mktemp("sizes")
    return folder_of(root / "small" / "data", 2500, n_words=120), folder_of(root / "large" / "data", 10_000, n_words=120)  # fmt: skip


COMMANDS = {
    "audit": ["audit", "IN", "--workers", "2"],
    "audit again": ["audit", "IN", "--workers", "2"],
    "view": ["view", "IN", "--out", "OUT.html", "--rows", "200"],
    "publish": ["publish", "IN", "o/r", "--dry-run", "--out", "OUT", "--allow", "validate", "decontaminate", "audit"],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_memory_does_not_grow_with_the_rows(
    small_and_large: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    """In this order: `view` and `publish` read what `audit` wrote."""
    peaks = []
    for i, folder in enumerate(small_and_large):
        argv = [a.replace("IN", str(folder)).replace("OUT", str(tmp_path / str(i))) for a in COMMANDS[name]]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.peak", *argv], env={**os.environ, **OFFLINE, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        peaks.append(int(done.stdout.split()[-1]) / 1024)
    assert peaks[1] < peaks[0] + 30, peaks


def test_a_labelling_session_holds_its_sample(small_and_large: tuple[Path, Path]) -> None:
    code = (
        "import sys; from pathlib import Path; from lorid_data.labelling.session import Session; from tests.support.peak import peak_kib;"
        "s = Session(Path(sys.argv[1]), 'a', seed=0, n_samples=50); assert len(s.order) == 50; s.close(); print(peak_kib())"
    )
    peaks = []
    for folder in small_and_large:
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder)], env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        peaks.append(int(done.stdout.split()[-1]) / 1024)
    assert peaks[1] < peaks[0] + 30, peaks
