"""A role that another model plays: in this process and on servers of its own, end to end."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records
from lorid_data.schema import sha256_text
from lorid_data.testing.fake_vllm import FakeVllm
from lorid_train import Solver
from lorid_train.config import EvalConfig
from lorid_train.evaluation.evaluate import evaluate, report_on
from lorid_train.interaction.draws import Draw, DrawLog

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
ROOT = Path(__file__).parents[2]
served = runpy.run_path(str(ROOT / "tests" / "support" / "served_evaluation.py"))
models = runpy.run_path(str(ROOT / "tests" / "support" / "tiny_models.py"))
ASKS = "Solve this, and think aloud.\n\nProblem: {question}\nSolution:"


@pytest.fixture(scope="module")
def other_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base of another kind than `tiny_base`."""
    folder = tmp_path_factory.mktemp("other") / "qwen"
    base: Path = models["with_tokenizer"](models["tiny_model"]("qwen2", folder))
    return base


@pytest.fixture
def asks(tmp_path: Path) -> Path:
    path = tmp_path / "asks.txt"
    path.write_text(ASKS + "\n", encoding="utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder: Path = served["dataset"](tmp_path / "data", served["questions"](5))
    return folder


def _draws(out: Path) -> list[Draw]:
    log = DrawLog(out / "draws.jsonl")
    return [log[key] for key in log.draws()]


def _in_process(run: Path, data: Path, out: Path, **changes: Any) -> Any:
    more = {"engine": "transformers", "rounds": 2, "max_new_tokens": 8, "fallback": "ir"} | changes
    return served["config"](run, data, out, **more)


def test_ir_is_another_model_and_the_rest_is_as_without_it(
    tiny_base: Path, other_base: Path, asks: Path, data: Path, tmp_path: Path
) -> None:
    run = served["make_run"](tiny_base, tmp_path / "run")
    evaluate(_in_process(run, data, tmp_path / "own"))
    own = {d.key: d.text for d in _draws(tmp_path / "own")}
    argv = [
        sys.executable, "-m", "lorid_train", "evaluate", "--adapters", f"ir=model:{other_base}", f"kg={run}", f"dr={run}",
        "--formats", f"ir=plain:{asks}", "--dataset", str(data), "--out", str(tmp_path / "out"), "--rounds", "2",
        "--max-new-tokens", "8", "--batch-size", "3",
    ]  # fmt: skip
    done = subprocess.run(argv, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 models are loaded side by side" in done.stderr
    draws = _draws(tmp_path / "out")
    assert {d.role for d in draws} == {"ir", "kg", "dr"}
    same = [d.key for d in draws if d.role != "ir" and d.key in own]
    assert same
    assert all(own[d.key] == d.text for d in draws if d.key in set(same))
    greedy = [d for d in draws if d.role == "ir" and d.condition == "greedy"]
    seen = {sha256_text(ASKS.replace("{question}", r.question) + "\n") for r in read_records(data)}
    assert {d.prompt_sha256 for d in greedy} == seen
    assert [d.text for d in greedy] == [_plain_generate(other_base, d, data) for d in greedy]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"model:{other_base}, format plain, prompt asks.txt" in page
    report_on([tmp_path / "out"], tmp_path / "again.html", {})
    assert "prompt asks.txt" in (tmp_path / "again.html").read_text(encoding="utf-8")
    assert subprocess.run(argv, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True).returncode == 0  # fmt: skip
    asks.write_text(ASKS.replace("aloud", "twice"), encoding="utf-8")
    changed = subprocess.run(argv, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True, text=True)  # fmt: skip
    assert changed.returncode == 2, changed.stderr
    assert "wholes" in changed.stderr


def _plain_generate(base: Path, draw: Draw, data: Path) -> str:
    """What the model itself writes for a question in those words, greedily."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    [question] = [r.question for r in read_records(data) if r.problem_id == draw.problem_id]
    tokenizer = AutoTokenizer.from_pretrained(base)
    text = ASKS.replace("{question}", question) + "\n"  # as `plain` ends a prompt
    ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer.encode(text, add_special_tokens=False)]])  # fmt: skip
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    made = model.generate(ids, do_sample=False, max_new_tokens=8, eos_token_id=tokenizer.eos_token_id)  # fmt: skip
    return str(tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True))


def test_the_base_alone_is_a_system_too(other_base: Path, data: Path, tmp_path: Path) -> None:
    config = EvalConfig(
        adapters={"ir": f"model:{other_base}"}, formats={"ir": "plain"}, dataset=str(data), out=str(tmp_path / "out"),
        loop=False, votes="none", greedy=("ir",), max_new_tokens=8,
    )  # fmt: skip
    evaluate(config)
    assert {(d.role, d.condition) for d in _draws(tmp_path / "out")} == {("ir", "greedy")}
    assert read_manifest(tmp_path / "out").identity["wholes"]["ir"]["format"] == "plain"


def test_each_role_may_have_servers_of_its_own(
    tiny_base: Path, other_base: Path, asks: Path, data: Path, tmp_path: Path
) -> None:
    run = served["make_run"](tiny_base, tmp_path / "run")
    with (
        FakeVllm(adapters=["kg", "dr"], text=lambda _: "So #### 4") as ours,
        FakeVllm(adapters=["strong"], text=lambda _: "Thus #### 4") as theirs,
        FakeVllm(adapters=["strong"], text=lambda _: "Thus #### 4") as theirs_too,
    ):
        config = served["config"](
            run, data, tmp_path / "out", ours,
            adapters={"ir": f"model:{other_base}", "kg": str(run / "adapters" / "kg"), "dr": str(run / "adapters" / "dr")},
            formats={"ir": f"plain:{asks}"}, served={"ir": f"strong@{theirs.url},{theirs_too.url}"}, batch_size=2,
        )  # fmt: skip
        evaluate(config)
        solver = Solver.load(
            dict(config.adapters), formats=config.formats, engine="server", server=[ours.url],
            served=config.served, rounds=2,
        )  # fmt: skip
        assert solver.solve("What is 2 + 2?").answer == "4"
    assert {b["model"] for b in ours.seen} == {"kg", "dr"}
    assert {b["model"] for b in theirs.seen + theirs_too.seen} == {"strong"}
    assert theirs.seen
    assert theirs_too.seen
    begin = [1, *(_byte_ids(tiny_base, "Solve this, and think aloud."))]
    assert all(b["prompt"][: len(begin)] == begin for b in theirs.seen)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())["metrics"]
    [coverage] = [m for m in metrics if m["system"] == "lorid@4" and m["metric"] == "coverage" and not m["slice"]]  # fmt: skip
    assert coverage["value"] == 1.0


def _byte_ids(base: Path, text: str) -> list[int]:
    from transformers import AutoTokenizer

    ids: list[int] = AutoTokenizer.from_pretrained(base).encode(text, add_special_tokens=False)
    return ids


def test_what_cannot_be_is_refused_at_once(
    tiny_base: Path, other_base: Path, data: Path, tmp_path: Path
) -> None:
    run = served["make_run"](tiny_base, tmp_path / "run")
    bad = tmp_path / "bad.txt"
    bad.write_text("Solve {problem}")
    kg_dr = {r: str(run / "adapters" / r) for r in ("kg", "dr")}
    for adapters, formats, words in (
        ({"ir": "model:nowhere"}, {"ir": "plain"}, "no such folder"),
        ({"ir": f"model:{other_base}"}, {}, "no chat template"),
        ({"ir": f"model:{other_base}"}, {"ir": f"plain:{bad}"}, "placeholders {problem}"),
        ({"ir": f"model:{other_base}"}, {"ir": "plian"}, "neither a format nor a prompt file"),
        ({"ir": f"model:{other_base}"}, {"ir": "plain", "dr": "plain"}, "played by an adapter"),
        ({"ir": f"model:{other_base}"}, {"ir": "plain", "irr": "plain"}, "unknown role"),
    ):
        config = _in_process(
            run, data, tmp_path / "out", adapters=adapters | kg_dr, formats=formats
        )
        with pytest.raises(ConfigError, match=words.replace("{", r"\{").replace("}", r"\}")):
            evaluate(config)
        assert not (tmp_path / "out").exists()
