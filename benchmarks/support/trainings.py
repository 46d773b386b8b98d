"""The trainings that `benchmarks/train.py` compares, on the same rows: ours, TRL's, a plain loop."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BATCH, SEED = 16, 0
LORA = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0, "target_modules": "all-linear"}
SFT: dict[str, Any] = {
    "learning_rate": 1e-3, "lr_scheduler_type": "linear", "warmup_steps": 0, "weight_decay": 0.0,
    "per_device_train_batch_size": BATCH, "gradient_accumulation_steps": 1, "logging_steps": 1,
    "save_steps": 100_000, "gradient_checkpointing": False, "bf16": False, "train_sampling_strategy": "sequential",
}  # fmt: skip


def command(*argv: str) -> None:
    subprocess.run([sys.executable, "-m", *argv], check=True, stdout=subprocess.DEVNULL)


def dataset(folder: Path, n_rows: int) -> Path:
    """Arithmetic problems with knowledge; made once."""
    out = folder / f"data-{n_rows}"
    if not (out / "manifest.json").is_file():
        build = ("lorid_data", "build", "arithmetic", "--teacher", "source", "--split", "train")
        command(*build, "--limit", str(n_rows), "--out", str(out))
    return out


def token_file(data: Path, role: str) -> tuple[Path, Any]:
    """The rows of a role, tokenised as ours are, and their counts."""
    from lorid_data.folders.records import iter_records
    from lorid_train import formats, roles
    from lorid_train.models import base_model
    from lorid_train.training import tokens

    tokenizer = base_model.load_tokenizer(base_model.resolve("student"))
    counts = tokens.RoleCounts()
    rows = tokens.tokenise(
        roles.role(role),
        iter_records(data),
        formats.load("plain"),
        tokenizer,
        max_tokens=512,
        counts=counts,
    )
    path = data / f".bench-{role}.arrow"
    tokens.write_token_rows(path, rows)
    return path, counts


def adapted() -> tuple[Any, Any]:
    """The student with a fresh adapter, and its tokenizer."""
    from peft import LoraConfig, get_peft_model
    from transformers import set_seed

    from lorid_train.models import base_model

    base = base_model.resolve("student")
    model = base_model.load_model(base, "float32")
    set_seed(SEED)
    return get_peft_model(
        model, LoraConfig(task_type="CAUSAL_LM", **LORA)
    ), base_model.load_tokenizer(base)


def timed(trainer: Any) -> tuple[list[float], float]:
    """Losses of a trainer, and CPU-seconds per step after the first two."""
    from transformers import PrinterCallback, TrainerCallback

    ends: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.process_time())

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Clock())
    trainer.train()
    losses = [h["loss"] for h in trainer.state.log_history if "loss" in h]
    return losses, (ends[-1] - ends[1]) / (len(ends) - 2)


def ours(data: Path, role: str, steps: int, **changes: Any) -> tuple[list[float], float]:
    """What `lorid-train sft` runs per role."""
    from lorid_train.config import TrainConfig
    from lorid_train.training.arguments import make_args
    from lorid_train.training.tokens import read_dataset
    from lorid_train.training.trainer import RoleRows, make_trainer

    path, counts = token_file(data, role)
    sft = {**SFT, "max_steps": steps, **changes}
    with tempfile.TemporaryDirectory() as out:
        config = TrainConfig(
            base="student", data=str(data), out=out, dtype="float32", seed=SEED, lora=LORA, sft=sft
        )
        model, tokenizer = adapted()
        rows = RoleRows(read_dataset(path), counts)
        return timed(make_trainer(model, make_args(config, role, Path(out)), tokenizer, rows))


def plain_trl(data: Path, role: str, steps: int, **changes: Any) -> tuple[list[float], float]:
    """A script as TRL's documentation has it, on rows with labels."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    path, _ = token_file(data, role)
    model, tokenizer = adapted()
    settings = {
        **SFT,
        "max_steps": steps,
        "use_cpu": True,
        "seed": SEED,
        "disable_tqdm": True,
        **changes,
    }
    with tempfile.TemporaryDirectory() as out:
        args = SFTConfig(
            output_dir=out,
            report_to="none",
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
            **settings,
        )
        rows = Dataset.from_file(str(path)).remove_columns("row")
        return timed(
            SFTTrainer(model=model, args=args, train_dataset=rows, processing_class=tokenizer)
        )


def plain_loop(data: Path, role: str, steps: int, *, order: int = 1) -> tuple[list[float], float]:
    """PyTorch and PEFT without a trainer: padded batches, AdamW, a linear schedule, clipping.

    With order −1 the rows of each batch stand the other way round, which changes nothing but rounding.
    """
    import torch
    from datasets import Dataset
    from transformers import get_linear_schedule_with_warmup

    rows = Dataset.from_file(str(token_file(data, role)[0]))
    model, tokenizer = adapted()
    model.train()
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=SFT["learning_rate"], weight_decay=0.0)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, steps)
    losses, ends = [], []
    pad = torch.nn.utils.rnn.pad_sequence
    for step in range(steps):
        batch = {k: v[::order] for k, v in rows[step * BATCH : (step + 1) * BATCH].items()}
        ids = pad(
            [torch.tensor(r) for r in batch["input_ids"]],
            batch_first=True,
            padding_value=tokenizer.pad_token_id,
        )
        labels = pad(
            [torch.tensor(r) for r in batch["labels"]], batch_first=True, padding_value=-100
        )
        mask = pad(
            [torch.ones(len(r), dtype=torch.long) for r in batch["labels"]], batch_first=True
        )
        loss = model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        ends.append(time.process_time())
    return losses, (ends[-1] - ends[1]) / (steps - 2)


def make_small_base(folder: Path, tokenizer: Path) -> None:
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    LlamaForCausalLM(
        LlamaConfig(vocab_size=1024, max_position_embeddings=2048, **shape)
    ).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tokenizer, trust_remote_code=False).save_pretrained(folder)
