"""`lorid-train publish`, and adapters of the Hub in `evaluate`, against a Hub on 127.0.0.1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lorid_data.build.importing import import_table
from lorid_data.folders.manifests import read_manifest
from lorid_data.testing.fake_hub import FakeHub
from lorid_train.config import TrainConfig
from lorid_train.training.sft import train

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

MISTRAL = "{% for m in messages %}{{ '<s>' + '[INST] ' + m['content'] + ' [/INST]' }}{% endfor %}"
COMMANDS = """
import json, sys
from lorid_data.commandline.program import run
from lorid_train.cli import app
for argv in json.loads(sys.argv[1]):
    status = run(app, argv)
    print("status", status, flush=True)
"""
PLAIN_PEFT = """
import json, sys, torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
base, local, repo, tag, subfolder = sys.argv[1:]
ids = torch.tensor([[1, 70, 71, 72]])
logits = []
for where, more in ((local, {}), (repo, {"revision": tag, **({"subfolder": subfolder} if subfolder else {})})):
    model = AutoModelForCausalLM.from_pretrained(base)
    plain = model(ids).logits
    model = PeftModel.from_pretrained(model, where, **more)
    with torch.no_grad():
        logits.append(model(ids).logits)
assert torch.equal(*logits)
assert not torch.equal(logits[0], plain), "the adapter does nothing"
assert not [m for m in sys.modules if m.startswith("lorid")]
print("equal")
"""


@pytest.fixture(scope="module")
def world(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of three adapters, questions, and a foreign adapter of each role."""
    root = tmp_path_factory.mktemp("world")
    rows = [
        {"question": f"{i} + 1?", "rationale": "ok", "answer": str(i % 3), "knowledge": ["Add."]}
        for i in range(4)
    ]
    (root / "t.jsonl").write_text("\n".join(json.dumps(r) for r in rows), encoding="utf-8")
    import_table(root / "t.jsonl", root / "data")
    train(
        TrainConfig(
            base=str(tiny_base), data=str(root / "data"), out=str(root / "run"), dtype="float32", max_tokens=512,
            lora={"r": 4, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj", "v_proj"]},
            sft={"per_device_train_batch_size": 2, "gradient_accumulation_steps": 1, "max_steps": 2, "learning_rate": 0.1,
                 "gradient_checkpointing": False, "warmup_steps": 0, "lr_scheduler_type": "constant"},
        )
    )  # fmt: skip
    for role in ("ir", "kg", "dr"):
        foreign(root / "run" / "adapters" / role, root / "theirs" / role)
    return {"root": root, "run": root / "run", "data": root / "data", "base": tiny_base}


def foreign(own: Path, out: Path) -> None:
    """The same weights as LoRID-Math publishes them: no card of ours, a chat template instead."""
    out.mkdir(parents=True)
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (out / name).write_bytes((own / name).read_bytes())
    config = json.loads((out / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "mistralai/Mistral-7B-v0.1"
    (out / "adapter_config.json").write_text(json.dumps(config))
    (out / "tokenizer_config.json").write_text(json.dumps({"chat_template": MISTRAL}))
    (out / "optimizer.bin").write_bytes(b"pickle")


@pytest.fixture
def hub(world: dict[str, Path]) -> Iterator[FakeHub]:
    theirs = {f"LoRID-Math/X-{r.upper()}": world["root"] / "theirs" / r for r in ("ir", "kg", "dr")}
    with FakeHub(models=theirs) as hub:
        yield hub


def environment(hub: FakeHub, home: Path) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    return {**env, **hub.environment, "HF_HOME": str(home)}


def commands(hub: FakeHub, home: Path, *argvs: list[str]) -> subprocess.CompletedProcess[str]:
    """Several commands, one after the other, in one process that takes the fake Hub for the Hub."""
    code = [sys.executable, "-c", COMMANDS, json.dumps(argvs)]
    env = environment(hub, home)
    done = subprocess.run(code, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def plain_peft(hub: FakeHub, cwd: Path, *argv: str) -> str:
    env = environment(hub, cwd / "fresh") | {"PYTHONSAFEPATH": "1"}
    env.pop("PYTHONPATH", None)
    command = [sys.executable, "-W", "ignore", "-c", PLAIN_PEFT, *argv]
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def evaluation(world: dict[str, Path], out: Path, *adapters: str) -> list[str]:
    sampling = [
        "--rounds",
        "1",
        "--max-new-tokens",
        "4",
        "--dtype",
        "float32",
        "--limit",
        "2",
        "--allow-trained-questions",
    ]
    where = ["--dataset", str(world["data"]), "--base", str(world["base"]), "--out", str(out)]
    return ["evaluate", "--adapters", *adapters, *where, *sampling]


def test_published_adapters_load_back_and_are_used(
    world: dict[str, Path], hub: FakeHub, tmp_path: Path
) -> None:
    """Published, published again, published as one repository, evaluated from the Hub."""
    run, home = str(world["run"]), tmp_path / "home"
    options = ["--base-id", "me/base", "--dataset-id", "me/data", "--licence", "Apache-2.0", "--tag", "v1"]  # fmt: skip
    three = {r: f"{r}=me/tiny-{r.upper()}@v1" for r in ("ir", "kg", "dr")}
    done = commands(
        hub,
        home,
        evaluation(world, tmp_path / "eval", run),
        ["publish", run, "me/tiny", *options, "--evaluation", str(tmp_path / "eval")],
        ["publish", run, "me/tiny", *options, "--evaluation", str(tmp_path / "eval")],
        ["publish", run, "me/roles", "--one-repo", *options],
        evaluation(world, tmp_path / "three", *three.values()),
        evaluation(world, tmp_path / "one", "me/roles@v1"),
        ["publish", run, "me/nameless"],
    )
    assert [line for line in done.stdout.splitlines() if line.startswith("status")] == [
        *["status 0"] * 6,
        "status 2",
    ], done.stderr
    assert "--base-id" in done.stderr
    assert done.stdout.count("loaded back: equal files and logits") == 3
    assert done.stdout.count("nothing changed, no commit") == 3
    repos = {
        i: hub.repo(i, "model") for i in ("me/tiny-IR", "me/tiny-KG", "me/tiny-DR", "me/roles")
    }
    assert [len(r.commits) for r in repos.values() if r] == [2] * 4
    tree = repos["me/tiny-DR"].at("v1").tree  # type: ignore[union-attr]
    assert set(tree) == {
        ".gitattributes", "README.md", "adapter_config.json", "adapter_model.safetensors", "lorid.json",
        "training.json", "prompts/roles/dr.v1.txt", "prompts/formats/plain.yaml",
    }  # fmt: skip
    config = json.loads(tree["adapter_config.json"].file.read_text())
    assert config["base_model_name_or_path"] == "me/base"
    for path in hub.blobs.iterdir():
        data = path.read_bytes()
        assert str(world["root"]).encode() not in data
        assert hub.token.encode() not in data
    assert hub.token not in done.stdout + done.stderr
    check_card(tree["README.md"].file.read_text())
    for name in ("three", "one"):
        manifest = read_manifest(tmp_path / name)
        own = read_manifest(tmp_path / "eval")
        assert manifest.identity["adapters_sha256"] == own.identity["adapters_sha256"]
        commit = repos["me/tiny-IR" if name == "three" else "me/roles"].heads["main"]  # type: ignore[union-attr]
        assert f"@{commit}" in manifest.settings["adapters"]["ir"]
    local = str(world["run"] / "adapters" / "kg")
    assert plain_peft(hub, tmp_path, str(world["base"]), local, "me/tiny-KG", "v1", "") == "equal"
    assert plain_peft(hub, tmp_path, str(world["base"]), local, "me/roles", "v1", "kg") == "equal"


def check_card(text: str) -> None:
    from huggingface_hub import ModelCard

    card = ModelCard(text)
    data: dict[str, Any] = card.data.to_dict()
    assert (data["license"], data["library_name"]) == ("apache-2.0", "peft")
    assert (data["base_model"], data["datasets"]) == ("me/base", ["me/data"])
    [result] = data["model-index"][0]["results"]
    systems = {m["name"]: m for m in result["metrics"]}
    assert {"n", "ci_low", "ci_high", "method"} <= set(systems["accuracy, ir-greedy"]["args"])
    assert "| lorid@1 | " in card.text
    assert "Please reason step by step" in card.text


def test_adapters_of_others_are_fetched_pinned_and_used(
    world: dict[str, Path], hub: FakeHub, tmp_path: Path
) -> None:
    """LoRID-Math's layout from the Hub: format from the chat template, commit in the manifest."""
    names = [f"{r}=LoRID-Math/X-{r.upper()}" for r in ("ir", "kg", "dr")]
    command = evaluation(world, tmp_path / "theirs", *names)
    done = commands(hub, tmp_path / "home", command, command)
    assert done.stdout.count("status 0") == 2, done.stderr
    manifest = read_manifest(tmp_path / "theirs")
    assert manifest.identity["format"] == "lf-0.6/mistral"
    commit = hub.repo("LoRID-Math/X-KG", "model").heads["main"]  # type: ignore[union-attr]
    assert manifest.settings["adapters"]["kg"] == f"LoRID-Math/X-KG@{commit}"
    fetched = [r.rpartition("/")[2] for r in hub.requests if "/resolve/" in r]
    assert "adapter_model.safetensors" in fetched
    assert "optimizer.bin" not in fetched
    first = json.loads((tmp_path / "theirs/draws.jsonl").read_text().splitlines()[0])
    assert first["n_prompt_tokens"] > 0


def test_published_roles_train_as_they_are(world: dict[str, Path], tmp_path: Path) -> None:
    """`ir`, `kg` and `dr` go into `SFTTrainer` unchanged; the loss is taken on completions only."""
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from lorid_data.publish.chain import find_chain
    from lorid_data.publish.contents import stage_dataset

    stage_dataset(find_chain(world["data"]), tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(world["base"])
    for config in ("ir", "kg", "dr"):
        files = str(tmp_path / "out" / config / "train-*.parquet")
        rows = load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
        trainer = SFTTrainer(
            model=AutoModelForCausalLM.from_pretrained(world["base"]),
            args=SFTConfig(
                output_dir=str(tmp_path / "sft"), max_steps=1, report_to="none", bf16=False,
                use_cpu=True, per_device_train_batch_size=2, save_strategy="no", disable_tqdm=True,
            ),
            train_dataset=rows,
            processing_class=tokenizer,
        )  # fmt: skip
        batch = next(iter(trainer.get_train_dataloader()))
        for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
            learnt = tokenizer.decode(ids[labels != -100])
            assert learnt in {f"{c}</s>" for c in rows["completion"]}
        trainer.train()
