"""Train the tiny student from scratch: tokenizer, base model, measurements, model card.

    python scripts/train_student.py --steps 2400 --out runs/student-1
    python scripts/train_student.py --steps 900 --course 2 --after runs/student-1 --out runs/student-2
    python scripts/train_student.py --steps 3200 --course 3 --after runs/student-2 --out lorid_train/student

The base learns arithmetic first, problems second and to follow definitions third, never a role:
adapters are trained later, on top. Step-based and seeded; the card says what the base can do. An
hour on a CPU, minutes on a GPU (`--device cuda`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from student_card import card
from student_measure import Ability, equals_id, measure
from student_text import documents, train_tokenizer

from lorid_data.folders.files import sha256_file

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

ROWS, LENGTH = 8, 256
IGNORED = -100
LR_MATRICES, LR_OTHERS = 0.02, 4e-3
RISE_STEPS, FALL_FRACTION = 40, 0.7


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line decides."""

    steps: int
    seed: int
    threads: int
    device: str
    course: int
    n_facts: int
    n_problems: int


@dataclass(frozen=True, slots=True)
class Trained:
    """The course of a training run."""

    losses: tuple[float, ...]
    wall_s: float
    cpu_s: float


class Row(NamedTuple):
    """`LENGTH` tokens: their ids, their labels, and their positions, from 0 in each document."""

    ids: list[int]
    labels: list[int]
    positions: list[int]


def new_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """A Llama of about 1.97 million random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def token_rows(tokenizer: PreTrainedTokenizerFast, seed: int, course: int) -> Iterator[Row]:
    """Rows of `LENGTH` tokens: whole documents one after another, the last one cut."""
    digits = {tokenizer.convert_tokens_to_ids(d) for d in "0123456789"}
    equals = equals_id(tokenizer)
    row = Row([], [], [])
    for document in documents(seed, course):
        given = [tokenizer.bos_token_id, *tokenizer.encode(document.given)]
        text = [*tokenizer.encode(document.text), tokenizer.eos_token_id]
        row.ids.extend(given + text)
        row.labels.extend([IGNORED] * len(given))
        row.labels.extend(result_labels(text, equals, digits) if document.results_only else text)
        row.positions.extend(range(len(given) + len(text)))
        if len(row.ids) >= LENGTH:
            yield Row(*(column[:LENGTH] for column in row))
            row = Row([], [], [])


def result_labels(piece: list[int], equals: int, digits: set[int]) -> list[int]:
    """Labels of a list of facts: the digits after each equals sign, and what ends them."""
    labels, on = [], False
    for i in piece:
        labels.append(i if on else IGNORED)
        on = i == equals or (on and i in digits)
    return labels


def optimisers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for embeddings and norms."""
    import torch

    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    inside = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in inside]
    return [
        torch.optim.Muon(matrices, lr=LR_MATRICES, momentum=0.95, weight_decay=0.01),
        torch.optim.AdamW(others, lr=LR_OTHERS, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def rate_factor(step: int, steps: int) -> float:
    """The factor on all learning rates: a short rise, level, then linearly down to zero."""
    rise = (step + 1) / RISE_STEPS
    fall = (steps - step) / (FALL_FRACTION * steps)
    return min(1.0, rise, fall)


def train(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, s: Settings) -> Trained:
    """Train the model in place; a line of progress every 10 s."""
    import torch

    rows = token_rows(tokenizer, s.seed, s.course)
    opts = optimisers(model)
    # Later courses go on from trained weights: half the rate.
    groups = [(group, group["lr"] / min(s.course, 2)) for o in opts for group in o.param_groups]
    losses: list[float] = []
    start = last = time.monotonic()
    start_cpu = time.process_time()
    model.train()
    for step in range(s.steps):
        batch = zip(*(next(rows) for _ in range(ROWS)), strict=True)
        ids, labels, positions = (torch.tensor(column, device=s.device) for column in batch)
        for group, lr in groups:
            group["lr"] = lr * rate_factor(step, s.steps)
        with torch.autocast(s.device, dtype=torch.bfloat16):
            # positions that start again keep documents of one row apart
            output = model(input_ids=ids, labels=labels, position_ids=positions, use_cache=False)
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o in opts:
            o.step()
            o.zero_grad(set_to_none=True)
        losses.append(output.loss.item())
        if time.monotonic() - last > 10 or step == s.steps - 1:
            last = time.monotonic()
            say(f"step {step + 1}/{s.steps}  loss {recent(losses):.4f}  {last - start:.0f} s")
    return Trained(tuple(losses), time.monotonic() - start, time.process_time() - start_cpu)


def recent(losses: list[float] | tuple[float, ...]) -> float:
    """Mean of the last 50 losses, in nats a token."""
    tail = losses[-50:]
    return sum(tail) / len(tail)


def write(
    out: Path, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, s: Settings, t: Trained
) -> list[Ability]:
    """Write the folder, then measure what was written and add the card."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    out.mkdir(parents=True, exist_ok=True)
    model.half().cpu().save_pretrained(out)
    tokenizer.save_pretrained(out)
    stored = AutoModelForCausalLM.from_pretrained(out, dtype="float32", trust_remote_code=False)
    abilities = measure(stored, tokenizer, s.n_facts, s.n_problems)
    weights = out / "model.safetensors"
    names = ("torch", "transformers", "tokenizers")
    facts = {
        "n_parameters": sum(p.numel() for p in stored.parameters()),
        "n_bytes": weights.stat().st_size,
        "sha256": sha256_file(weights),
        "n_vocabulary": len(tokenizer),
        "loss": recent(t.losses),
        "course": ("first", "second", "third")[s.course - 1],
        "steps": s.steps,
        "seed": s.seed,
        "n_steps": s.steps,
        "n_rows": ROWS,
        "length": LENGTH,
        "n_tokens": s.steps * ROWS * LENGTH,
        "cpu_s": t.cpu_s,
        "wall_s": t.wall_s,
        "device": "a GPU" if s.device == "cuda" else f"a CPU with {s.threads} threads",
        "libraries": ", ".join(f"{name} {version(name)}" for name in names),
    }
    (out / "README.md").write_text(card(abilities, facts), encoding="utf-8")
    return abilities


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def settings() -> tuple[Settings, Path, Path | None]:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--steps", type=int, default=2400, help="steps of 2,048 tokens")
    parser.add_argument("--seed", type=int, default=0, help="of weights, documents and tokenizer")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--course", type=int, choices=(1, 2, 3), default=1)
    parser.add_argument("--after", type=Path, help="student that has finished the course before")
    parser.add_argument("--facts", type=int, default=300, help="facts measured per operation")
    parser.add_argument("--problems", type=int, default=300, help="problems measured per split")
    a = parser.parse_args()
    if (a.course == 1) != (a.after is None):
        parser.error("courses 2 and 3 go on --after a student; course 1 starts anew")
    s = Settings(a.steps, a.seed, a.threads, a.device, a.course, a.facts, a.problems)
    return s, a.out, a.after


def main() -> None:
    """Train, write, measure."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    s, out, after = settings()
    torch.set_num_threads(s.threads)
    if after is None:
        tokenizer = train_tokenizer(s.seed)
        model = new_model(tokenizer, s.seed)
    else:
        tokenizer = AutoTokenizer.from_pretrained(after, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            after, dtype="float32", trust_remote_code=False
        )
    model.to(s.device)
    say(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer):,} tokens")
    trained = train(model, tokenizer, s)
    for ability in write(out, model, tokenizer, s, trained):
        say(f"{ability.name}: {ability.n_right}/{ability.n}")
    say(f"{trained.cpu_s:,.0f} CPU-seconds; written to {out}")


if __name__ == "__main__":
    main()
