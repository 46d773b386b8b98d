"""Every figure that needs a GPU, in one command of at most twelve minutes; gone on with row by row.

    python benchmarks/gpu_rows.py [--out runs/gpu-rows] [--minutes 11.5] [--rows NAME …] [--vllm PROGRAM]
    python benchmarks/gpu_rows.py --tiny --device cpu            # the same code on tiny shapes, anywhere

Each row is written to OUT/ROW.json as soon as it is measured. A row that is there is not measured
again; one for which no time is left, or that failed, is named, and the same command makes it. Rows:

* train-*: training a 7B shape (Llama-2-7B's, random weights) with the paper's adapters, 2,048 × 4
  tokens a step: utilisation, tokens/s and peak memory, with and without checkpointing, with PyTorch's
  attention and with FlashAttention where it is installed;
* pack-*: rows as uneven as word problems: padded; packed under a mask of all pairs, as TRL and
  transformers do it with PyTorch's attention; packed and attended to row by row, as `sft` does it;
* lora-*: one layer's q_proj and v_proj with adapters of that rank: by PEFT, and with both down
  projections in one product;
* qlora-*: peak memory of training with the base in bfloat16 and in 4 bits (bitsandbytes);
* loop-*: the interaction loop with three adapters on a 1B shape, bfloat16: our engine, and vLLM
  through the engine `server` on the same GPU, over the same draws.

What is not installed is skipped, and said. The aim for train-sdpa, written before any number of it:
a utilisation of 0.5. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

GROUPS: dict[str, tuple[str, ...]] = {
    "training": ("train-sdpa", "train-sdpa-checkpointed", "pack-row-by-row", "pack-mask", "pack-padded",
                 "train-flash", "train-flash-checkpointed", "pack-flash"),
    "loop": ("loop-ours", "loop-vllm"),
    "lora": ("lora-peft", "lora-fused"),
    "memory": ("qlora-bf16", "qlora-4bit"),
}  # fmt: skip
"""Rows by what they share: each group is a process of its own."""
AIM = 0.5
_LEAST_S = 5.0
"""No row begins with less time than this left."""


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """What a row depends on."""
    names = ("tiny", "device", "shape", "rank", "length", "batch", "steps", "loop_shape", "loop_rank", "questions", "rounds", "new_tokens")  # fmt: skip
    return {name: getattr(args, name) for name in names}


def path_of(args: argparse.Namespace, row: str) -> Path:
    return args.out / f"{row}.json"


def measured(args: argparse.Namespace, row: str) -> dict[str, Any] | None:
    """A row that was measured under these settings."""
    path = path_of(args, row)
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    is_it = found.get("settings") == settings_of(args) and "figures" in found
    return found if is_it else None


def write(args: argparse.Namespace, row: str, body: dict[str, Any]) -> None:
    """A row's file, whole or not at all."""
    path = path_of(args, row)
    part = path.with_suffix(".part")
    whole = {"row": row, **body, "settings": settings_of(args), "versions": versions()}
    part.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    part.replace(path)
    print(f"{row}: {json.dumps(body)}", file=sys.stderr, flush=True)


def versions() -> dict[str, str]:
    """Of what the rows stand on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("torch", "transformers", "trl", "peft", "flash_attn", "vllm", "bitsandbytes"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def run_group(args: argparse.Namespace, group: str) -> None:
    """The rows of a group that are not measured yet, in this process."""
    from support import gpu_rows_kinds

    make = gpu_rows_kinds.GROUPS[group](args)
    for row in wanted(args, GROUPS[group]):
        if time.time() > args.until - _LEAST_S:
            return
        start = time.perf_counter()
        try:
            body: dict[str, Any] = {"figures": make(row)}
        except gpu_rows_kinds.SkippedError as e:
            body = {"skipped": str(e)}
        except Exception as e:  # noqa: BLE001  (one row must not take the others with it)
            body = {"failed": f"{type(e).__name__}: {str(e)[:500]}"}
        write(args, row, {**body, "wall_s": round(time.perf_counter() - start, 1)})


def wanted(args: argparse.Namespace, rows: tuple[str, ...]) -> list[str]:
    """The rows that were asked for and are not measured."""
    return [r for r in rows if (not args.rows or r in args.rows) and measured(args, r) is None]


def run_all(args: argparse.Namespace) -> None:
    """Every group in a process of its own, until the time is up."""
    for group, rows in GROUPS.items():
        left = args.until - time.time()
        if not wanted(args, rows) or left < _LEAST_S:
            continue
        for row in wanted(args, rows):
            path_of(args, row).unlink(missing_ok=True)
        command = [sys.executable, __file__, *sys.argv[1:], "--group", group, "--until", str(args.until)]  # fmt: skip
        child = subprocess.Popen(command, start_new_session=True)
        try:
            if status := child.wait(left):
                for row in (r for r in wanted(args, rows) if not path_of(args, r).is_file()):
                    write(args, row, {"failed": f"the process of group {group} ended with status {status}"})  # fmt: skip
        except subprocess.TimeoutExpired:
            print(f"the time is up in group {group}", file=sys.stderr)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # a server that it started, too
            child.wait()
            shutil.rmtree(args.out / "scratch", ignore_errors=True)


def conclude(args: argparse.Namespace) -> dict[str, Any]:
    """Say what came out and what did not; the body of the last line."""
    rows: dict[str, Any] = {}
    late: list[str] = []
    for row in (r for rows_ in GROUPS.values() for r in rows_ if not args.rows or r in args.rows):
        path = path_of(args, row)
        body = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if body.get("settings") != settings_of(args):
            late.append(row)
            continue
        rows[row] = body.get("figures") or {k: body[k] for k in ("skipped", "failed") if k in body}
        print(f"{row:<26} {json.dumps(rows[row])}")
    if late:
        print(f"no time was left for {', '.join(late)}: the same command makes them")
    ratios = {f"{r}_utilisation": f["utilisation"] for r, f in rows.items() if "utilisation" in f}
    for name, (a, b, key) in {
        "packed_row_by_row_over_mask": ("pack-row-by-row", "pack-mask", "tokens_per_s"),
        "packed_over_padded": ("pack-row-by-row", "pack-padded", "tokens_per_s"),
        "lora_fused_over_peft": ("lora-fused", "lora-peft", "passes_per_s"),
        "loop_ours_over_vllm": ("loop-ours", "loop-vllm", "tokens_per_s"),
        "qlora_memory_over_bf16": ("qlora-4bit", "qlora-bf16", "peak_gib"),
    }.items():
        if rows.get(a, {}).get(key) and rows.get(b, {}).get(key):
            ratios[name] = round(rows[a][key] / rows[b][key], 3)
    return {"ratios": ratios, "settings": {**settings_of(args), "aim": AIM, "not_made": late, "rows": rows}}  # fmt: skip


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("runs/gpu-rows"))
    parser.add_argument("--minutes", type=float, default=11.5)
    parser.add_argument("--rows", nargs="+", choices=[r for g in GROUPS.values() for r in g])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="tiny shapes, to try the code")
    parser.add_argument("--vllm", help="the program vllm, where it has an environment of its own")
    parser.add_argument("--group", choices=GROUPS, help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, help=argparse.SUPPRESS)
    args = parser.parse_args()
    shape = {"shape": "tiny", "rank": 4, "length": 64, "batch": 2, "steps": 4, "loop_shape": "small",
             "loop_rank": 8, "questions": 3, "rounds": 2, "new_tokens": 8}  # fmt: skip
    real = {"shape": "7b", "rank": 512, "length": 2048, "batch": 4, "steps": 12, "loop_shape": "1b",
            "loop_rank": 512, "questions": 64, "rounds": 4, "new_tokens": 128}  # fmt: skip
    vars(args).update(shape if args.tiny else real)
    args.until = args.until or time.time() + 60 * args.minutes
    return args


def main() -> None:
    args = options()
    warnings.filterwarnings("ignore")
    if args.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            print("no GPU here: nothing was measured; --tiny --device cpu tries the code")
            print(json.dumps({"benchmark": "gpu_rows", "ratios": {}, "settings": settings_of(args)}))  # fmt: skip
            return
    args.out.mkdir(parents=True, exist_ok=True)
    if args.group:
        run_group(args, args.group)
        return
    run_all(args)
    print(json.dumps({"benchmark": "gpu_rows", **conclude(args)}))


if __name__ == "__main__":
    main()
