"""Adapters of others: in LoRID-Math's layout, their format told from their own chat template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_train.models import adapters
from lorid_train.models.fetching import is_hub_id

SYSTEM = (
    "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible."
)
# What LLaMA-Factory v0.6 writes into tokenizer_config.json for its templates llama2 and mistral.
BEFORE = (
    "{% if messages[0]['role'] == 'system' %}{% set system_message = messages[0]['content'] %}{% endif %}"
    "{% for message in messages %}{% set content = message['content'] %}"
    "{% if loop.index0 == 0 and system_message is defined %}"
    "{% set content = SYSTEM_SLOT + message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
)
AFTER = "{% elif message['role'] == 'assistant' %}{{ content + '</s>' }}{% endif %}{% endfor %}"
MISTRAL = BEFORE + "{{ '<s>' + '[INST] ' + content + ' [/INST]' }}" + AFTER
MISTRAL_063 = BEFORE + "{{ '<s>' + ' [INST] ' + content + ' [/INST]' }}" + AFTER
LLAMA2 = (
    f"{{% set system_message = '{SYSTEM}' %}}"
    + BEFORE.replace("SYSTEM_SLOT", "'<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n'")
    + "{{ '<s>' + '[INST] ' + content + ' [/INST]' }}"
    + AFTER
)


def lorid_math(
    folder: Path, template: str | None, base: str = "mistralai/Mistral-7B-v0.1", **config: Any
) -> Path:
    """The files of an adapter of LoRID-Math, its weights aside."""
    folder.mkdir(parents=True)
    body = {
        "alpha_pattern": {}, "auto_mapping": None, "base_model_name_or_path": base, "bias": "none",
        "fan_in_fan_out": False, "inference_mode": True, "init_lora_weights": True, "lora_alpha": 1024,
        "lora_dropout": 0.1, "modules_to_save": None, "peft_type": "LORA", "r": 512, "revision": None,
        "target_modules": ["v_proj", "q_proj"], "task_type": "CAUSAL_LM", **config,
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(body))
    (folder / "adapter_model.safetensors").write_bytes(folder.name.encode())
    tokenizer = {"bos_token": "<s>", "tokenizer_class": "LlamaTokenizer"}
    if template is not None:
        tokenizer["chat_template"] = template
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    (folder / "README.md").write_text("---\nlibrary_name: peft\n---\n")
    return folder


def three(root: Path, template: str | None, **more: Any) -> dict[str, str]:
    return {r: str(lorid_math(root / r, template, **more)) for r in ("ir", "kg", "dr")}


@pytest.mark.parametrize(
    ("template", "name"),
    [(MISTRAL, "lf-0.6/mistral"), (MISTRAL_063, "lf-0.6.3/mistral"), (LLAMA2, "lf-0.6/llama2")],
)
def test_the_format_is_the_one_of_the_adapters_own_template(
    tmp_path: Path, template: str, name: str
) -> None:
    found = adapters.open_adapters(three(tmp_path, template), None)
    assert (found.format.name, found.base.name) == (name, "mistralai/Mistral-7B-v0.1")
    assert found.names == {r: str(tmp_path / r) for r in ("ir", "kg", "dr")}


@pytest.mark.parametrize("place", ["file", "named"])
def test_a_template_is_found_wherever_transformers_writes_it(tmp_path: Path, place: str) -> None:
    folders = three(tmp_path, None)
    for folder in folders.values():
        if place == "file":
            (Path(folder) / "chat_template.jinja").write_text(MISTRAL)
        else:
            named = [{"name": "tool", "template": "x"}, {"name": "default", "template": MISTRAL}]
            body = json.dumps({"chat_template": named})
            (Path(folder) / "tokenizer_config.json").write_text(body)
    assert adapters.open_adapters(folders, None).format.name == "lf-0.6/mistral"


@pytest.mark.parametrize("template", [None, "{{ messages }}"])
def test_an_unknown_template_asks_for_the_format(tmp_path: Path, template: str | None) -> None:
    folders = three(tmp_path, template)
    with pytest.raises(ConfigError, match=r"--format; there are .*lf-0.6/mistral"):
        adapters.open_adapters(folders, None)
    assert (
        adapters.open_adapters(folders, None, "lf-0.9.2/mistral").format.name == "lf-0.9.2/mistral"
    )


def test_adapters_of_several_bases_are_refused(tmp_path: Path) -> None:
    folders = three(tmp_path / "a", MISTRAL) | {
        "dr": str(lorid_math(tmp_path / "b", MISTRAL, base="meta-llama/Llama-2-7b-hf"))
    }
    with pytest.raises(ConfigError, match="several base models"):
        adapters.open_adapters(folders, None)
    assert adapters.open_adapters(folders, "me/base").base.name == "me/base"


def test_a_base_that_is_a_path_elsewhere_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name the base with --base"):
        adapters.open_adapters(three(tmp_path, MISTRAL, base="/data/models/mistral"), None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("pickle", "pickled weights are refused"),
        ("no weights", "adapter_model.safetensors is missing"),
        ("another kind", "peft_type is 'PROMPT_TUNING'"),
        ("no config", "adapter_config.json cannot be read"),
    ],
)
def test_what_is_no_lora_in_safetensors_is_refused(
    tmp_path: Path, change: str, message: str
) -> None:
    folders = three(tmp_path, MISTRAL)
    kg = Path(folders["kg"])
    if change in ("pickle", "no weights"):
        weights = kg / "adapter_model.safetensors"
        weights.rename(kg / "adapter_model.bin") if change == "pickle" else weights.unlink()
    elif change == "another kind":
        (kg / "adapter_config.json").write_text(json.dumps({"peft_type": "PROMPT_TUNING"}))
    else:
        (kg / "adapter_config.json").unlink()
    with pytest.raises(ConfigError, match=message):
        adapters.open_adapters(folders, None)


@pytest.mark.parametrize(
    ("text", "is_id"),
    [
        ("LoRID-Math/GSM8K-Mistral-7B-IR", True), ("me/x@v1", True), ("me/x@v1:ir", True), ("me/x:ir", True),
        ("runs/mine", False), ("data/x", False), ("runs/mine@main", True), ("my/table.jsonl", False), (r"me\x", False), ("me/x/", False),
        ("./me/x", False), ("/me/x", False), ("runs/a/adapters/ir", False), ("run", False), ("me/x:../y", False),
        ("me/x:checkpoint-100", True), ("me/x@v1:v1.0", True), ("me/x@refs/pr/1:adapters/ir", True), ("me/x:two words", True),
        ("me/x:a/../b", False), ("me/x:/a", False), ("me/x:a/", False), ("me/x:a:b", False), ("me/x:.", False),
        ("me/x:a\\b", False), ("me/x:", False), ("me/x/y:ir", False),
    ],
)  # fmt: skip
def test_a_repository_is_told_from_a_folder(text: str, is_id: bool) -> None:
    assert is_hub_id(text) is is_id


def test_an_existing_folder_is_a_folder_though_it_looks_like_an_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_hub_id("mine/first")
    Path("mine/first").mkdir(parents=True)
    assert not is_hub_id("mine/first")
    assert not is_hub_id("mine/fisrt"), "what lies beside a folder is a slip, and no repository"


def test_one_repository_holds_a_folder_per_role() -> None:
    assert adapters.folders_of(["me/roles@v1"]) == {r: f"me/roles@v1:{r}" for r in adapters.ROLES}


def test_a_run_gives_the_roles_that_it_holds(tmp_path: Path) -> None:
    three(tmp_path / "adapters", MISTRAL)
    lorid_math(tmp_path / "adapters" / "ks", MISTRAL)
    lorid_math(tmp_path / "adapters" / "other", MISTRAL)
    assert list(adapters.folders_of([str(tmp_path)])) == ["ir", "kg", "dr", "ks"]


def test_adapters_that_are_not_needed_are_left_alone(tmp_path: Path) -> None:
    folders = three(tmp_path, MISTRAL) | {"ks": str(tmp_path / "nowhere")}
    assert list(adapters.open_adapters(folders, None).folders) == ["ir", "kg", "dr"]
    assert list(adapters.open_adapters(folders, None, needed=["kg"]).folders) == ["kg"]


def test_all_missing_adapters_are_one_error(tmp_path: Path) -> None:
    folders = {"ir": str(lorid_math(tmp_path / "ir", MISTRAL))}
    with pytest.raises(
        ConfigError, match=r"no adapter for kg, ks, .* there are ir: train the missing"
    ):
        adapters.open_adapters(folders, None, needed=["ir", "kg", "ks"])


@pytest.mark.parametrize("given", [["ir=a", "xr=b"], ["a", "b"], []])
def test_unknown_roles_are_refused(given: list[str]) -> None:
    with pytest.raises(ConfigError, match="of ir, kg, dr, ks, ird, cg; got"):
        adapters.folders_of(given)


@pytest.mark.parametrize(
    ("is_named", "todo"), [(False, "name its base with --base"), (True, "give --base the model it was trained on, or leave it out to use 'student'")]
)  # fmt: skip
def test_who_named_a_base_is_not_told_to_name_it(is_named: bool, todo: str) -> None:
    fmt = adapters.formats.load("plain")
    card = {
        "role": "ir", "base": "student", "base_fingerprint": "sha256:" + "a" * 64, "format": fmt.name, "format_sha256": fmt.sha256,
    }  # fmt: skip
    other = adapters.Base("elsewhere", "elsewhere", None, "sha256:" + "b" * 64)
    [said] = adapters._misfits("runs/x", card, "ir", other, is_named=is_named)
    assert said.endswith(todo)
    assert "sha256:aaaaaaaaaaaa)" in said
    assert "a" * 13 not in said, "a fingerprint in full tells nobody more"
