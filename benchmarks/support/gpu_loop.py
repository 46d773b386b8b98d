"""The interaction loop on a base of random weights with three adapters: by our engine, and by a vLLM."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.schema import Question
from lorid_train import formats
from lorid_train.config import EvalConfig
from lorid_train.engines.base import Engine, Sampling
from lorid_train.evaluation import in_process, servers
from lorid_train.interaction.loop import Asker, Loop
from lorid_train.models import adapters as adapters_of
from lorid_train.models import base_model
from lorid_train.models.adapters import Adapters
from lorid_train.solve.question import MemoryLog

ROLES = ("ir", "kg", "dr")
AT_ONCE = 256
LOAD_S = 480


@dataclass(frozen=True)
class World:
    """A base on disk and a run folder of three adapters of it."""

    base: Path
    run: Path
    adapters: Adapters


def made_world(args: argparse.Namespace, folder: Path, shape: Mapping[str, int]) -> World:
    """A base with the packaged student's tokenizer, and adapters that change what it writes."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    base, run = folder / "base", folder / "run"
    tokenizer = AutoTokenizer.from_pretrained(base_model.student_folder(), trust_remote_code=False)
    tokenizer.save_pretrained(base)
    config = LlamaConfig(**{**shape, "vocab_size": len(tokenizer)}, max_position_embeddings=2048)
    dtype = torch.bfloat16 if args.device == "cuda" else torch.float32
    torch.manual_seed(0)
    with torch.device(args.device):
        model: Any = LlamaForCausalLM(config).to(dtype)
    model.save_pretrained(base)
    found, fmt = base_model.resolve(str(base)), formats.load("plain")
    lora = LoraConfig(
        r=args.loop_rank, lora_alpha=2 * args.loop_rank, target_modules=["q_proj", "v_proj"],
        init_lora_weights=False, task_type="CAUSAL_LM",
    )  # fmt: skip
    for i, role in enumerate(ROLES):
        torch.manual_seed(i)
        peft = get_peft_model(model, lora)
        with torch.no_grad():
            for name, p in peft.named_parameters():
                if "lora_B" in name:
                    p.mul_(0.1)
        peft.save_pretrained(run / "adapters" / role)
        model = peft.unload()
        card = {
            "role": role, "format": fmt.name, "format_sha256": fmt.sha256, "base": str(base),
            "base_revision": None, "base_fingerprint": found.fingerprint,
        }  # fmt: skip
        adapters_of.write_metadata(run / "adapters" / role, card)
    del model, peft
    opened = adapters_of.open_adapters(adapters_of.folders_of([str(run)]), None)
    return World(base, run, opened)


def measured(args: argparse.Namespace, world: World, *, server: str | None) -> dict[str, Any]:
    """Tokens per second of the loop; random weights never agree, so that every round is drawn."""
    config = EvalConfig(
        adapters=adapters_of.folders_of([str(world.run)]), dataset="", out="", batch_size=AT_ONCE,
        engine="server" if server else "transformers", server=(server,) if server else (),
        dtype=None if args.device == "cuda" else "float32",
    )  # fmt: skip
    make = servers.engine_factory(config, ROLES) if server else in_process.make_engine
    start = time.perf_counter()
    engine = make(config, world.adapters)
    load_s = time.perf_counter() - start
    drawn(args, engine, 2, seed=1)  # what a first request meets
    start = time.perf_counter()
    log = drawn(args, engine, args.questions, seed=0)
    seconds = time.perf_counter() - start
    draws = list(log.values())
    n_tokens = sum(d.n_tokens for d in draws)
    return {
        "tokens_per_s": round(n_tokens / seconds, 1), "draws": len(draws), "tokens": n_tokens,
        "seconds": round(seconds, 2), "load_s": round(load_s, 1), "at_once": AT_ONCE, "engine": "vllm" if server else "ours",
    }  # fmt: skip


def drawn(args: argparse.Namespace, engine: Engine, n: int, *, seed: int) -> Mapping[Any, Any]:
    """The loop's draws for some questions."""
    log = MemoryLog()
    ids = [f"{seed}-{i}" for i in range(n)]
    asker = Asker(
        engine, log, {i: Question(i, f"Tom has {k + 3} apples and buys {k + 5} more. How many has he?") for k, i in enumerate(ids)},
        Sampling(1.0, 1.0, 0, args.new_tokens),
    )  # fmt: skip
    asker.draw(Loop(ids, log, seed=seed, rounds=args.rounds, rule="same_round"))
    return log._draws


@contextmanager
def vllm(args: argparse.Namespace, world: World, log: Path) -> Iterator[str]:
    """The base URL of a vLLM with the run's adapters."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    modules = [f"{role}={world.run / 'adapters' / role}" for role in ROLES]
    # Without its program in this environment, or where that is a Python, the server is run as a module.
    program = args.vllm or sys.executable
    is_python = Path(program).name.startswith("python")
    begin = [program, "-m", "vllm.entrypoints.openai.api_server", "--model"] if is_python else [program, "serve"]  # fmt: skip
    cpu = [] if args.device == "cuda" else ["--dtype", "float32", "--no-enable-chunked-prefill", "--max-num-batched-tokens", "16384", "--enforce-eager"]  # fmt: skip
    rank = next(r for r in (8, 16, 32, 64, 128, 256, 512) if r >= args.loop_rank)
    command = [*begin, str(world.base), "--host", "127.0.0.1", "--port", str(port), "--max-model-len", "1024",
               "--max-num-seqs", str(AT_ONCE), "--enable-lora", "--max-loras", "3", "--max-lora-rank", str(rank),
               "--gpu-memory-utilization", "0.5", *cpu, "--lora-modules", *modules]  # fmt: skip
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    env |= {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env)
    try:
        url = f"http://127.0.0.1:{port}/v1"
        give_up = time.monotonic() + LOAD_S
        while not answers(url):
            if server.poll() is not None or time.monotonic() > give_up:
                said = log.read_text(encoding="utf-8", errors="replace")[-400:]
                raise RuntimeError(f"vLLM did not come up: {said}")
            time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        server.wait(60)


def answers(url: str) -> bool:
    """Whether a server is up."""
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=5) as reply:  # noqa: S310  (127.0.0.1)
            return bool(reply.status == 200)
    except OSError:
        return False
