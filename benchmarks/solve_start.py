"""How long does `lorid-train solve` take from the shell to its answer, and who takes it?

    python benchmarks/solve_start.py RUN [--turns 3]

RUN is the run of a finished `lorid-train quickstart`. Each way is a process of its own, in turns;
the least CPU time counts, since other work of the machine only adds to it. `bare` imports torch and
transformers; `by hand` loads the same base and the same three adapters with transformers and PEFT
alone and draws nothing, which no program on these libraries can start without; `solve` is the
command with one question. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from lorid_train.models.base_model import student_folder

QUESTION = "Maria paid 126 dollars for 9 pencils. What would Maria pay for 14 of them?"
BY_HAND = """
import sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from peft import PeftModel
base, run = sys.argv[1:]
AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
model = PeftModel.from_pretrained(model, f"{run}/adapters/ir", adapter_name="ir")
for role in ("kg", "dr"):
    model.load_adapter(f"{run}/adapters/{role}", adapter_name=role)
"""
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| \s*(\S+)")


def cpu_s(argv: list[str]) -> float:
    """CPU seconds of a process and of what it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def imports(argv: list[str]) -> list[tuple[str, float, int]]:
    """By top package: its share of the time that imports take, and its modules; largest first."""
    done = subprocess.run([argv[0], "-X", "importtime", *argv[1:]], check=True, capture_output=True, text=True)  # fmt: skip
    spent: dict[str, list[int]] = defaultdict(list)
    for us, module in _LINE.findall(done.stderr):
        spent[module.partition(".")[0]].append(int(us))
    whole = sum(map(sum, spent.values()))
    found = [(name, sum(us) / whole, len(us)) for name, us in spent.items()]
    return sorted(found, key=lambda row: -row[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--turns", type=int, default=3)
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    ways = {
        "bare": [sys.executable, "-c", "import torch, transformers"],
        "by hand": [sys.executable, "-c", BY_HAND, str(student_folder()), str(args.run)],
        "solve": [sys.executable, "-m", "lorid_train", "solve", str(args.run), QUESTION],
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(args.turns):
        for name, argv in ways.items():
            taken[name].append(cpu_s(argv))
    least = {name: min(times) for name, times in taken.items()}
    for name, seconds in least.items():
        print(f"{name:8} {seconds:6.2f} CPU-seconds, {seconds / least['bare']:.2f} of bare")
    for package, share, n in imports(ways["solve"])[:8]:
        print(f"  imports of solve: {package:14} {share:4.0%} in {n:,} modules")
    ratios = {f"{name} / bare": s / least["bare"] for name, s in least.items()}
    ratios["solve / by hand"] = least["solve"] / least["by hand"]
    print(json.dumps({"benchmark": "solve_start", "ratios": ratios, "settings": {"turns": args.turns, "cpu_s": least}}))  # fmt: skip


if __name__ == "__main__":
    main()
