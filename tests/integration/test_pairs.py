"""`method: dpo` and `method: redi`: losses by the papers' formulas, folders as `sft` makes them, what is refused."""

from __future__ import annotations

import json
import math
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.stage import open_stage
from lorid_data.schema import sha256_text
from lorid_train import formats, roles
from lorid_train.drawn.pairs import Pair, write_pairs
from lorid_train.models import base_model
from lorid_train.training import pairwise, trained_on
from lorid_train.training.sft import dry_run, train

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
small = SimpleNamespace(
    **runpy.run_path(str(Path(__file__).parents[1] / "support" / "small_training.py"))
)
DPO: dict[str, Any] = {
    "per_device_train_batch_size": 4, "max_steps": 4, "save_steps": 2, "logging_steps": 1, "learning_rate": 1e-2,
    "gradient_checkpointing": False,
}  # fmt: skip


def pair(i: int, **changes: Any) -> Pair:
    question = f"What is {i} + {i}?"
    body = {
        "pair_id": sha256_text(f"{i}"), "problem_id": sha256_text(question), "split": "train", "role": "dr",
        "question": question, "knowledge": ("Add the numbers.",), "chosen": f"{i} + {i}\n--> {2 * i} END",
        "rejected": f"I guess.\n--> {i} END" * (i % 2 + 1), "rule": "consensus", "label": str(2 * i), "agreement": 1.0,
        "n_votes": 2, "chosen_draw": "dr/sampled/0/1", "rejected_draw": "dr/sampled/0/2", "adapter_sha256": "0" * 64,
    }  # fmt: skip
    return Pair(**(body | changes))


def folder_of(folder: Path, pairs: list[Pair]) -> Path:
    with open_stage(folder, "export-draws", identity={"made": folder.name}) as stage:
        write_pairs(folder, pairs)
        stage.finish(n_in=len(pairs), n_kept=len(pairs), n_rejected={})
    return folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("pairs") / "d", [pair(i) for i in range(20, 32)])


@pytest.fixture(scope="module")
def start(tiny_base: Path, small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("start") / "run"
    train(small.config(tiny_base, small_dataset, out))
    return out


def config(base: Path, data: Path, out: Path, init: Path | None, method: str, **changes: Any) -> Any:  # fmt: skip
    dpo = DPO | changes.pop("dpo", {})
    made = small.config(base, data, out, method=method, dpo=dpo, init=str(init) if init else None)
    return made.model_copy(update={"lora": {}, "sft": {}, **changes})


def test_redi_is_the_paper_s_formula() -> None:
    """Worked by hand: two pairs, log-probabilities in nats, 0.8 on the rejected ones."""
    import torch

    chosen, n_chosen = torch.tensor([-6.0, -2.0]), torch.tensor([3, 4])  # means -2.0, -0.5
    rejected, n_rejected = torch.tensor([-10.0, -1.0]), torch.tensor([5, 2])  # means -2.0, -0.5
    loss = pairwise.redi_loss(chosen, rejected, n_chosen, n_rejected, 0.8)
    # the mean of 2.0 less 1.6 and of 0.5 less 0.4
    assert loss.item() == pytest.approx(0.25)
    alone = pairwise.redi_loss(chosen, rejected, n_chosen, n_rejected, 0.0)
    assert alone.item() == pytest.approx(1.25)  # the chosen texts alone: (2.0 + 0.5) / 2


def test_redi_pushes_positives_up_and_negatives_down_apart() -> None:
    """Gradients of the two terms are 1 and alpha over the lengths: weighed apart, not by a margin."""
    import torch

    chosen = torch.tensor([-6.0], requires_grad=True)
    rejected = torch.tensor([-100.0], requires_grad=True)
    pairwise.redi_loss(chosen, rejected, torch.tensor([3]), torch.tensor([5]), 0.8).backward()
    assert chosen.grad is not None
    assert rejected.grad is not None
    assert chosen.grad.item() == pytest.approx(-1 / 3)
    assert rejected.grad.item() == pytest.approx(0.8 / 5)


def trainer_on(start: Path, tiny_base: Path, folder: Path, alpha: float | None, rows: Any) -> Any:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from lorid_train.training.preferences import make_args

    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(tiny_base), start / "adapters/dr", is_trainable=True
    )
    made = config(tiny_base, folder, folder, start, "dpo" if alpha is None else "redi")
    tokenizer = base_model.load_tokenizer(base_model.resolve(str(tiny_base)))
    args = make_args(made, "dr", folder / "checkpoints")
    return pairwise.make_pair_trainer(model, args, tokenizer, rows, alpha)


def tokens_of(tiny_base: Path, n: int) -> list[pairwise.PairTokens]:
    tokenizer = base_model.load_tokenizer(base_model.resolve(str(tiny_base)))
    made, rejects = pairwise.tokenise_pairs(
        roles.role("dr"), [pair(i) for i in range(n)], formats.load("plain"), tokenizer, max_tokens=512
    )  # fmt: skip
    assert not rejects
    return made


def log_p(model: Any, prompt: list[int], text: list[int]) -> float:
    """The summed log-probability of a text, from the logits of one row alone."""
    import torch

    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompt + text]), use_cache=False).logits[0]
    logs = logits.log_softmax(-1)
    return sum(float(logs[len(prompt) + i - 1, t]) for i, t in enumerate(text))


@pytest.mark.parametrize("alpha", [0.0, 0.8])
def test_the_trainer_s_loss_is_redi_s_on_the_model_s_own_logits(
    start: Path, tiny_base: Path, tmp_path: Path, alpha: float
) -> None:
    rows = tokens_of(tiny_base, 4)
    trainer = trainer_on(start, tiny_base, tmp_path, alpha, rows)
    assert "ref" not in trainer.model.peft_config  # it compares with nothing
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(4)])
    trainer.model.eval()
    loss = trainer.compute_loss(trainer.model, batch).item()
    by_hand = [
        -log_p(trainer.model, r.prompt_ids, r.chosen_ids) / len(r.chosen_ids)
        + alpha * log_p(trainer.model, r.prompt_ids, r.rejected_ids) / len(r.rejected_ids)
        for r in rows
    ]
    assert loss == pytest.approx(sum(by_hand) / 4, rel=1e-5)


def test_dpo_starts_at_log_2_and_a_fifth_of_the_chosen_text_s_loss(
    start: Path, tiny_base: Path, tmp_path: Path
) -> None:
    """Against its own copy no text has become likelier yet: log 2, and 0.2 of the mean token loss."""
    rows = tokens_of(tiny_base, 4)
    trainer = trainer_on(start, tiny_base, tmp_path, None, rows)
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(4)])
    trainer.model.eval()
    loss = trainer.compute_loss(trainer.model, batch).item()
    nats = -sum(log_p(trainer.model, r.prompt_ids, r.chosen_ids) for r in rows)
    mean = nats / sum(len(r.chosen_ids) for r in rows)
    assert loss == pytest.approx(math.log(2) + 0.2 * mean, rel=1e-5)


def test_pairs_are_tokenised_as_sft_tokenises_rows(tiny_base: Path) -> None:
    tokenizer = base_model.load_tokenizer(base_model.resolve(str(tiny_base)))
    fmt, role = formats.load("plain"), roles.role("dr")
    [row] = tokens_of(tiny_base, 1)
    content = role.content("What is 0 + 0?", "Add the numbers.")
    assert row.prompt_ids == fmt.prompt_ids(tokenizer, content)
    assert row.chosen_ids == fmt.target_ids(tokenizer, "0 + 0\n--> 0 END")
    assert row.rejected_ids[-1] == tokenizer.eos_token_id


@pytest.mark.parametrize("method", ["dpo", "redi"])
def test_a_run_goes_on_resumes_and_says_what_it_is(
    method: str, start: Path, tiny_base: Path, pairs: Path, small_dataset: Path, tmp_path: Path
) -> None:
    from lorid_train.config import Validation

    def run(out: Path) -> Any:
        seen = Validation(data=str(small_dataset), greedy=3, max_new_tokens=4)
        return config(tiny_base, pairs, out, start, method, validation=seen)

    whole, parted = tmp_path / "whole", tmp_path / "parted"
    manifest = train(run(whole))
    assert (manifest.n_in, manifest.n_kept) == (12, 12)
    shutil.copytree(whole, parted)
    (parted / "manifest.json").unlink()
    shutil.rmtree(parted / "adapters")
    shutil.rmtree(parted / "checkpoints/dr/checkpoint-4")
    train(run(parted))
    for name in ("adapter_model.safetensors", "training.json", "lorid.json"):
        a, b = (r / "adapters/dr" / name for r in (whole, parted))
        assert a.read_bytes() == b.read_bytes(), name
    card = json.loads((whole / "adapters/dr/lorid.json").read_text())
    assert card["method"] == method
    assert card.get("redi_alpha") == (0.8 if method == "redi" else None)
    first = sha256_file(start / "adapters/dr/adapter_model.safetensors")
    assert card["init"]["weights_sha256"] == first
    assert {p.name for p in (whole / "adapters/dr").iterdir()} == {
        "adapter_model.safetensors", "adapter_config.json", "lorid.json", "training.json",
    }  # fmt: skip
    assert small.residuals(small.weights(whole), small.weights(start))[0] > 0
    known = trained_on.read(whole)
    assert known is not None
    assert len(known) == 12 + 12  # the questions of the pairs and of the rows before
    held = small.figures(whole)["validation"]
    assert [h["step"] for h in held] == [2, 4]
    assert "Greedy answers that are right" in (whole / "training.html").read_text()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"init": None}, "refines an adapter that was trained on rows; name it with init"),
        ({"sft": {"learning_rate": 1e-4}}, "takes its settings from dpo:"),
        ({"dpo": {"learning_rat": 1}}, "learning_rate"),
        ({"dpo": {"output_dir": "x"}}, "'output_dir' is set by the run itself"),
        ({"method": "redi", "dpo": {"beta": 0.1}}, "has no meaning with method 'redi'"),
        ({"method": "sft"}, "dpo: settings of the methods dpo and redi"),
        ({"roles": ("ir",), "init": "IR"}, "no pairs of role 'ir'"),
        ({"split": "validation"}, "no pairs of role 'dr' in split 'validation'; it has ['train']"),
        ({"max_tokens": 10}, "can be used"),
    ],
)
def test_what_cannot_be_run_is_refused_and_nothing_is_written(
    start: Path, tiny_base: Path, pairs: Path, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:  # fmt: skip
    if changes.get("init") == "IR":
        shutil.copytree(start / "adapters/dr", tmp_path / "ir")
        path = tmp_path / "ir/lorid.json"
        body = json.loads(path.read_text())
        ir = json.loads(path.read_text()) | {"role": "ir"}
        from lorid_data import prompts

        prompt = roles.role("ir").prompt_id
        path.write_text(json.dumps({**body, **ir, "prompt": prompt, "prompt_sha256": prompts.load(prompt).sha256}))  # fmt: skip
        changes = {**changes, "init": {"ir": str(tmp_path / "ir")}}
    run = config(tiny_base, pairs, tmp_path / "run", start, "dpo")
    with pytest.raises(ConfigError) as refused:
        train(run.model_copy(update=changes))
    assert any(sentence in p for p in refused.value.problems), refused.value.problems
    assert len(refused.value.problems) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("rejected", "sentence"),
    [("", "its rejected text is empty"), (" \n", "is empty"), ("7 + 7\n--> 14 END", "is the chosen one")],
)  # fmt: skip
def test_a_pair_without_a_negative_is_refused(
    start: Path, tiny_base: Path, tmp_path: Path, rejected: str, sentence: str
) -> None:
    folder = folder_of(tmp_path / "d", [pair(1), pair(7, rejected=rejected)])
    with pytest.raises(ConfigError, match=f"has no negative, .*{sentence}"):
        train(config(tiny_base, folder, tmp_path / "run", start, "redi"))
    assert not (tmp_path / "run").exists()


def test_a_folder_without_pairs_is_refused(
    start: Path, tiny_base: Path, small_dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigError, match="holds no pairs; make them with lorid-train export-draws"
    ):
        train(config(tiny_base, small_dataset, tmp_path / "run", start, "dpo"))
    assert not (tmp_path / "run").exists()


def test_a_dry_run_counts_pairs(start: Path, tiny_base: Path, pairs: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    dry_run(config(tiny_base, pairs, tmp_path / "run", start, "redi"), lines.append)
    assert any("dr: 12 pairs, 4 steps" in line for line in lines)
    assert not (tmp_path / "run").exists()
