"""Do other people's harnesses, asking `lorid-train serve`, find the accuracy that we report?

    python benchmarks/harnesses.py QUICKSTART [--lm-eval PROGRAM] [--inspect PROGRAM] [--problems 100]

QUICKSTART is the folder of a finished `lorid-train quickstart`. Its run is served, and
lm-evaluation-harness (`local-chat-completions`) and inspect_ai, each in an environment of its own,
put the same questions to the models `lorid` and `ir`, under the seed and the sampling of the
quickstart's evaluation. Each harness grades by itself: lm-eval with `exact_match` of what stands
between the marks, inspect with `match(numeric=True)`. Their accuracy is put beside ours of that
evaluation (`lorid@20`, `ir-sampled`), and so are the verdicts, question by question. The last line
is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from lorid_data.folders.records import read_records

SYSTEMS = {"lorid": "lorid@20", "ir": "ir-sampled"}
"""Each model of the server, and what our evaluation calls it."""
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
_INSPECT_TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def lorid_served():
    return Task(dataset=json_dataset("questions.jsonl"), solver=generate(), scorer=match(numeric=True))
"""


def ours(quickstart: Path, n: int) -> tuple[list[dict[str, str]], dict[str, dict[str, bool]], Any]:
    """The first n questions; per model, which of them we call right; and the evaluation's settings."""
    records = read_records(quickstart / "eval")[:n]
    rows = [{"id": r.problem_id, "input": r.question, "target": str(r.answer)} for r in records]
    outcomes = pl.read_parquet(quickstart / "eval" / "outcomes.parquet")
    right = {}
    for model, system in SYSTEMS.items():
        of = outcomes.filter(pl.col("system") == system)
        verdicts = dict(zip(of["problem_id"], of["verdict"], strict=True))
        right[model] = {r["id"]: verdicts[r["id"]] == "correct" for r in rows}
    settings = yaml.safe_load((quickstart / "eval" / "config.yaml").read_text(encoding="utf-8"))
    return rows, right, settings["identity"]


@contextmanager
def served(run: Path) -> Iterator[str]:
    """The run behind a server of its own; its base URL."""
    command = [sys.executable, "-m", "lorid_train", "serve", str(run), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        try:
            yield line.split(" at ")[1].split(" ")[0]
        finally:
            server.terminate()


def lm_eval(program: str, url: str, model: str, s: Any, where: Path) -> dict[str, bool]:
    """Which questions lm-evaluation-harness calls right."""
    task = {
        "task": "lorid_served", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": "questions.jsonl"}},
        "test_split": "test", "output_type": "generate_until", "doc_to_text": "{{input}}",
        "doc_to_target": "{{target}}", "target_delimiter": "", "num_fewshot": 0,
        "generation_kwargs": {"until": []},
        "filter_list": [{"name": "marked", "filter": [
            {"function": "regex", "regex_pattern": r"-->\s*(.*?)\s*END", "group_select": -1},
            {"function": "take_first"},
        ]}],
        "metric_list": [
            {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True, "regexes_to_ignore": [","]}
        ],
    }  # fmt: skip
    (where / "lorid_served.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")
    arguments = f"model={model},base_url={url}/chat/completions,num_concurrent=16,seed={s['seed']},max_retries=1"
    sampling = f"temperature={s['temperature']},max_gen_toks={s['max_new_tokens']}"
    _run(
        [program, "--model", "local-chat-completions", "--model_args", arguments, "--apply_chat_template",
         "--include_path", ".", "--tasks", "lorid_served", "--gen_kwargs", sampling, "--log_samples",
         "--output_path", f"lm-eval-{model}"],
        where,
    )  # fmt: skip
    [samples] = (where / f"lm-eval-{model}").rglob("samples*.jsonl")
    rows = [json.loads(x) for x in samples.read_bytes().split(b"\n") if x]
    return {r["doc"]["id"]: r["exact_match"] == 1 for r in rows}


def inspect(program: str, url: str, model: str, s: Any, where: Path) -> dict[str, bool]:
    """Which questions inspect_ai calls right."""
    (where / "lorid_served.py").write_text(_INSPECT_TASK, encoding="utf-8")
    _run(
        [program, "eval", "lorid_served.py", "--model", f"openai-api/served/{model}", "--temperature",
         str(s["temperature"]), "--seed", str(s["seed"]), "--max-tokens", str(s["max_new_tokens"]),
         "--max-connections", "16", "--log-format", "json", "--log-dir", f"inspect-{model}", "--display", "none"],
        where, SERVED_BASE_URL=url, SERVED_API_KEY="not-needed",
    )  # fmt: skip
    [log] = (where / f"inspect-{model}").glob("*.json")
    found = json.loads(log.read_text(encoding="utf-8"))
    if found["status"] != "success":
        raise SystemExit(f"inspect: {found['status']}: {found.get('error')}")
    return {r["id"]: r["scores"]["match"]["value"] == "C" for r in found["samples"]}


def _run(command: list[str], where: Path, **environment: str) -> None:
    env = {**os.environ, **OFFLINE, **environment}
    env.pop("PYTHONPATH", None)
    done = subprocess.run(command, cwd=where, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"{Path(command[0]).name}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )


def compare(quickstart: Path, programs: dict[str, str], n: int) -> dict[str, dict[str, Any]]:
    """By harness and model: their accuracy, ours, and how many verdicts are the same."""
    rows, right, settings = ours(quickstart, n)
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder, served(quickstart / "run") as url:
        where = Path(folder)
        (where / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        for name, program in programs.items():
            for model, said in right.items():
                ask = {"lm-eval": lm_eval, "inspect": inspect}[name]
                theirs = ask(program, url, model, settings, where)
                assert theirs.keys() == said.keys()
                found[f"{name} {model}"] = {
                    "theirs": sum(theirs.values()) / len(said),
                    "ours": sum(said.values()) / len(said),
                    "n": len(said),
                    "n_same_verdict": sum(theirs[i] == said[i] for i in said),
                }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("quickstart", type=Path)
    parser.add_argument("--lm-eval", help="the program lm_eval")
    parser.add_argument("--inspect", help="the program inspect")
    parser.add_argument("--problems", type=int, default=100)
    args = parser.parse_args()
    programs = {k: v for k, v in {"lm-eval": args.lm_eval, "inspect": args.inspect}.items() if v}
    if not programs:
        parser.error("name a harness: --lm-eval PROGRAM, --inspect PROGRAM")
    found = compare(args.quickstart, programs, args.problems)
    for name, f in found.items():
        print(
            f"{name:14} theirs {f['theirs']:.3f}  ours {f['ours']:.3f}  same verdict {f['n_same_verdict']} of {f['n']}"
        )
    ratios = {
        f"{name}: theirs / ours": f["theirs"] / f["ours"] for name, f in found.items() if f["ours"]
    }
    print(
        json.dumps(
            {
                "benchmark": "harnesses",
                "ratios": ratios,
                "settings": {"problems": args.problems, "found": found},
            }
        )
    )


if __name__ == "__main__":
    main()
