"""`docs/tour.ipynb`: every cell runs, in order, in a process of its own, without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TOUR = ROOT / "docs" / "tour.ipynb"
CHECKS = """
assert len(rows) == len(frame) and rows.column_names[0] == "row_id"
assert by_subject["len"].sum() == len(rows)
assert [r.number for r in rounds] == list(range(1, solution.rounds + 1))
assert len(solution.draws) == 3 * solution.rounds
assert found.value == "196"
assert [v.value for v in verdicts] == ["equal", "equal", "different"]
assert accuracy[f"lorid@{ROUNDS}"]["n"] == N_PROBLEMS
print("all cells have run")
"""
NO_NETWORK = """
import socket

def nobody(self, address):
    raise OSError(f"the tour asks for {address!r}")

socket.socket.connect = nobody
"""


def cells() -> list[str]:
    body = json.loads(TOUR.read_text(encoding="utf-8"))
    assert body["nbformat"] == 4
    return ["".join(c["source"]) for c in body["cells"] if c["cell_type"] == "code"]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_every_cell_runs_without_a_network(tmp_path: Path) -> None:
    script = tmp_path / "tour.py"
    script.write_text("\n".join([NO_NETWORK, *cells(), CHECKS]), encoding="utf-8")
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.endswith("all cells have run\n")
    assert (tmp_path / "runs/tour/eval/report.html").is_file()


def test_it_is_kept_without_outputs_and_names_no_machine() -> None:
    body = json.loads(TOUR.read_text(encoding="utf-8"))
    code = [c for c in body["cells"] if c["cell_type"] == "code"]
    assert len(code) >= 6
    assert all(c["outputs"] == [] and c["execution_count"] is None for c in code)
    assert len({c["id"] for c in body["cells"]}) == len(body["cells"])
