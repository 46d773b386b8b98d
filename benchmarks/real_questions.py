"""The whole path on real questions with the packaged student: GSM8K and MATH.

    LORID_TEST_DATA=DIR python benchmarks/real_questions.py [--limit 100] [--out DIR]

DIR holds `openai/gsm8k` and `EleutherAI/hendrycks_math` as on the Hub. A student of 2 M parameters
that has read nothing but arithmetic problems cannot solve these: near zero is the expected
result, and what this shows is that the path runs. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

SOURCES = {"gsm8k": ("openai/gsm8k", 256), "math": ("EleutherAI/hendrycks_math", 168)}
CONFIG = Path(__file__).parent.parent / "configs" / "train" / "gsm8k-student.yaml"


def run(*command: str) -> None:
    """One command of the project, shown before it runs."""
    print("$", " ".join(command), file=sys.stderr)
    subprocess.run([sys.executable, "-m", *command], check=True)


def measure(source: str, data: Path, out: Path, limit: int) -> dict[str, float | None]:
    """Accuracy by system on `limit` test questions of one source."""
    folder, n_train = SOURCES[source]
    build = ("lorid_data", "build", source, "--source-path", str(data / folder))
    run(*build, "--teacher", "recorded", "--limit", str(n_train), "--out", str(out / "train"))
    run(
        *build,
        "--teacher",
        "none",
        "--split",
        "test",
        "--limit",
        str(limit),
        "--out",
        str(out / "test"),
    )
    body = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    body |= {"data": str(out / "train"), "out": str(out / "run")}
    (out / "sft.yaml").write_text(yaml.safe_dump(body), encoding="utf-8")
    run("lorid_train", "sft", str(out / "sft.yaml"))
    run(
        "lorid_train", "evaluate", "--adapters", str(out / "run"), "--dataset", str(out / "test"), "--out", str(out / "eval"),
        "--rounds", "3", "--temperature", "0.8", "--top-p", "1.0", "--top-k", "0", "--max-new-tokens", "160",
    )  # fmt: skip
    rows = json.loads((out / "eval" / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    return {
        m["system"]: m["value"] for m in rows if m["metric"] == "accuracy" and m["slice"] is None
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    if not os.environ.get("LORID_TEST_DATA"):
        parser.error(
            "LORID_TEST_DATA is not set: it names a folder with openai/gsm8k and EleutherAI/hendrycks_math"
        )
    data = Path(os.environ["LORID_TEST_DATA"])
    with tempfile.TemporaryDirectory() as scratch:
        out = args.out or Path(scratch)
        accuracy = {}
        for source in SOURCES:
            (out / source).mkdir(parents=True, exist_ok=True)
            accuracy[source] = measure(source, data, out / source, args.limit)
    ratios = {f"{s}_{name}": v for s, found in accuracy.items() for name, v in found.items()}
    print(
        json.dumps(
            {
                "benchmark": "real_questions",
                "ratios": ratios,
                "settings": {"n_questions": args.limit},
            }
        )
    )


if __name__ == "__main__":
    main()
