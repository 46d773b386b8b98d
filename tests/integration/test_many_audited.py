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


WIDE = "x" * 20_000


def rows(n: int, level: str | None) -> Iterator[Record]:
    """A fifth of the rows leaks its answer; lists and rules recur, variants disagree, some hold markup."""
    for i in range(n):
        more = f"Add to get {2 * i + 1}." if i % 5 == 0 else f"Add the {i // 3 % 97} parts."  # fmt: skip
        answer = str(2 * i + 1) if i % 7 else "3"
        markup = "</script><script>alert(1)</script>" if i % 100 == 0 else ""
        problem = make_problem(
            source="t", split="train" if i % 2 else "test", question=f"What is {i} + {i + 1}?{markup}", licence="MIT",
            rationale=f"{i} + {i + 1} = {2 * i + 1}. The answer is {2 * i + 1}.", answer=answer, original_id=f"o{i // 3}", level=level,
            knowledge=("Add the numbers.", more),
        )  # fmt: skip
        [row_id] = row_ids([problem])
        yield Record(row_id=row_id, provenance=Provenance(teacher="none"), **problem.model_dump())


def folder_of(out: Path, n: int, *, level: str | None = None) -> Path:
    with open_stage(out, "import", identity={"n": n}) as stage, DatasetWriter(stage) as writer:
        writer.keep(rows(n, level))
        writer.reject(
            Reject(row_id=f"r{i}", stage="import", disposition=Disposition.DROP, reason=RejectReason.ROW_UNREADABLE, detail="<b>", evidence="y", split="train")
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
    """Rows of 20 KB, in a column that no check reads: held, the large folder's would take more than 120 MiB beyond the small one's. Both fill a page and the batches of a writer."""
    root = tmp_path_factory.mktemp("sizes")
    return folder_of(root / "small" / "data", 2000, level=WIDE), folder_of(root / "large" / "data", 8000, level=WIDE)  # fmt: skip


_LABEL = "from lorid_data.labelling.session import Session; s = Session(folder, 'a', seed=0, n_samples=50); assert len(s.order) == 50; s.close()"
# Streamed at both sizes: what is mapped into memory instead is as large as its split.
_PUBLISH = (
    "from lorid_data.publish.stage import PublishOptions, publish;"
    "publish(folder, PublishOptions(repo_id='o/r', stream_above_bytes=0, allow=('validate', 'decontaminate', 'audit')), dry_run=out)"
)
_MAIN = "from lorid_data.cli.app import main; assert main([{}]) in (0, 1)"
WORK = {
    "audit": _MAIN.format("'audit', str(folder), '--workers', '1'"),
    "audit again": _MAIN.format("'audit', str(folder)"),
    "view": _MAIN.format("'view', str(folder), '--out', str(out), '--rows', '100'"),
    "label": _LABEL,
    "publish": _PUBLISH,
}


@pytest.mark.parametrize("name", WORK)
def test_memory_does_not_grow_with_the_rows(
    small_and_large: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    """In this order: the others read what `audit` wrote."""
    code = f"import sys; from pathlib import Path; folder, out = map(Path, sys.argv[1:]); {WORK[name]}; from tests.support.peak import peak_kib; print(peak_kib())"
    peaks = []
    for i, folder in enumerate(small_and_large):
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder), str(tmp_path / str(i))], env={**os.environ, **OFFLINE, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout.split()[-1]) / 1024)
    assert peaks[1] < peaks[0] + 60, peaks
