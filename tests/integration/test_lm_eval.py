"""The task file for lm-evaluation-harness: the same prompt, the same answers, the same accuracy.

The harness lives in an environment of its own. `LORID_LM_EVAL` names its program (`lm_eval`); here
it loads the model itself, so that torch, transformers and peft must be there, too (`lm-eval[hf]`).
"""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

from lorid_data.answers import Answer, extract
from lorid_data.folders.records import read_records
from lorid_train import formats, roles
from lorid_train.models.base_model import student_folder

ROOT = Path(__file__).parent.parent.parent
TASK = ROOT / "configs" / "lm_eval" / "lorid_arithmetic_ir.yaml"
support = runpy.run_path(str(ROOT / "tests" / "support" / "served_evaluation.py"))


@pytest.fixture(scope="module")
def task() -> dict[str, object]:
    return dict(yaml.safe_load(TASK.read_text(encoding="utf-8")))


def test_the_prompt_is_that_of_the_role(task: dict[str, object]) -> None:
    question = "Tom has 3 bags.\n\tHow many <apples> & pears? "
    template = Environment(undefined=StrictUndefined, autoescape=False).from_string(
        str(task["doc_to_text"])
    )
    prompt = formats.load("plain").render(roles.role("ir").content(question))
    assert template.render(question=question) == prompt


def test_answers_are_found_as_ours_are(task: dict[str, object]) -> None:
    [steps] = task["filter_list"]  # type: ignore[misc]
    regex = re.compile(steps["filter"][0]["regex_pattern"])  # type: ignore[index]
    for text in ("So 3 + 4 = 7.\n--> 7 END", "--> 1 END no, --> 12 END", "--> 1,204 END"):
        found = extract(text)
        assert isinstance(found, Answer)
        assert regex.findall(text)[-1] == found.value
    assert regex.findall("no answer") == []


def with_a_little_of_its_own(run: Path) -> Path:
    """The IR adapter of a run that is equal to its base, changed so little that the texts stay sane."""
    import torch
    from safetensors.torch import load_file, save_file

    file = run / "adapters" / "ir" / "adapter_model.safetensors"
    generator = torch.Generator().manual_seed(0)
    made = {
        name: 1e-3 * torch.randn(t.shape, generator=generator) if "lora_B" in name else t
        for name, t in load_file(file).items()
    }
    save_file(made, file, metadata={"format": "pt"})
    return run


def loads_models(program: str) -> bool:
    """Whether the harness can load a model in its own environment."""
    argv = [str(Path(program).parent / "python"), "-c", "import torch, transformers, peft"]
    return subprocess.run(argv, check=False, capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore")
def test_both_report_the_same_accuracy_on_the_same_rows(tmp_path: Path) -> None:
    program = os.environ.get("LORID_LM_EVAL")
    if not program:
        pytest.skip(
            "LORID_LM_EVAL is not set: it names the program lm_eval (lm-eval 0.4, in its own environment)"
        )
    if not loads_models(program):
        pytest.skip("the environment of LORID_LM_EVAL has no torch, transformers and peft: pip install 'lm-eval[hf]' peft there")  # fmt: skip
    run = with_a_little_of_its_own(
        support["make_run"](student_folder(), tmp_path / "run", trained=False)
    )
    ours = [sys.executable, "-m"]
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "HF_DATASETS_OFFLINE": "1",
    }
    for command in (
        [*ours, "lorid_data", "build", "arithmetic", "--teacher", "none", "--split", "test", "--limit", "24",
         "--out", "data/arithmetic-test"],
        [*ours, "lorid_train", "evaluate", "--adapters", str(run), "--dataset", "data/arithmetic-test", "--out", "eval",
         "--no-loop", "--votes", "none", "--greedy", "ir", "--max-new-tokens", "128"],
        [program, "--model", "hf", "--model_args",
         f"pretrained={student_folder()},peft={run / 'adapters' / 'ir'},add_bos_token=True,dtype=float32",
         "--include_path", str(TASK.parent), "--tasks", "lorid_arithmetic_ir", "--batch_size", "8", "--device", "cpu",
         "--log_samples", "--output_path", "harness"],
    ):  # fmt: skip
        subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True)
    [results] = tmp_path.glob("harness/*/results*.json")
    theirs = json.loads(results.read_text())["results"]["lorid_arithmetic_ir"]["exact_match,marked"]
    metrics = json.loads((tmp_path / "eval" / "metrics.json").read_text())["metrics"]
    [accuracy] = [
        m["value"]
        for m in metrics
        if (m["system"], m["metric"], m["slice"]) == ("ir-greedy", "accuracy", None)
    ]
    assert theirs == pytest.approx(accuracy, abs=1e-9)
    draws = [
        json.loads(x) for x in (tmp_path / "eval" / "draws.jsonl").read_bytes().split(b"\n")[:-1]
    ]
    [samples] = tmp_path.glob("harness/*/samples*.jsonl")
    said = {d["problem_id"]: d["text"] for d in draws}
    rows = [json.loads(x) for x in samples.read_bytes().split(b"\n")[:-1]]
    assert {r["doc"]["problem_id"] for r in rows} == {
        r.problem_id for r in read_records(tmp_path / "data" / "arithmetic-test")
    }
    same = [r["resps"][0][0].strip() == said[r["doc"]["problem_id"]].strip() for r in rows]
    assert all(same)
