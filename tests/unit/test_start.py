"""What the two programs load before a command runs: options alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"numpy", "polars", "pyarrow", "pydantic", "datasets", "sklearn", "torch", "transformers", "lorid_data.schema"}  # fmt: skip


@pytest.mark.parametrize("program", ["lorid_data.cli.app", "lorid_train.cli"])
def test_help_loads_nothing_that_a_command_works_with(program: str) -> None:
    code = f"import json, sys\nimport {program}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert HEAVY.isdisjoint(json.loads(done.stdout))
