"""lm-evaluation-harness and inspect_ai ask `lorid-train serve`: their accuracy is ours.

Each harness lives in an environment of its own, and asks the run of a finished quickstart.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
N_QUESTIONS = 6
"""As many as show that verdicts are the same; `benchmarks/harnesses.py` asks 100."""
NEEDED = {
    "LORID_LM_EVAL": "the program lm_eval (lm-eval[api] 0.4, in its own environment)",
    "LORID_INSPECT": "the program inspect (inspect_ai 0.3 with openai, in its own environment)",
}


@pytest.mark.slow
@pytest.mark.timeout(
    3600
)  # minutes of CPU, mostly twice a harness's start: tells a hang, no slow machine
@pytest.mark.parametrize(
    ("name", "variable"), [("lm-eval", "LORID_LM_EVAL"), ("inspect", "LORID_INSPECT")]
)
def test_a_harness_finds_our_accuracy(
    name: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quickstart, program = os.environ.get("LORID_QUICKSTART"), os.environ.get(variable)
    if not program:
        pytest.skip(f"{variable} is not set: it names {NEEDED[variable]}")
    if not quickstart:
        pytest.skip(
            "LORID_QUICKSTART is not set: it names the folder of a finished lorid-train quickstart"
        )
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert sys.executable
    harnesses = runpy.run_path(str(ROOT / "benchmarks" / "harnesses.py"))
    found = harnesses["compare"](Path(quickstart), {name: program}, N_QUESTIONS)
    assert {f"{name} lorid", f"{name} ir"} == found.keys()
    for both in found.values():
        assert both["theirs"] == both["ours"]
        assert both["n_same_verdict"] == both["n"] == N_QUESTIONS
