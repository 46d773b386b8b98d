"""Bases and adapters that would run code, or load another model than the one that was named."""

from __future__ import annotations

import ast
import builtins
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_train.models import base_model, untrusted
from lorid_train.models.adapters import read_metadata

ROOT = Path(__file__).parent.parent.parent
CODE = "from pathlib import Path\nPath('{}').write_text('ran')\n"


@pytest.fixture
def base(tiny_base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_base, tmp_path / "base"))


def change(path: Path, **keys: Any) -> None:
    body = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**body, **keys}))


def calls_of_transformers(path: Path) -> list[tuple[int, set[str]]]:
    """Line and keywords of each call that could run code of a repository."""
    found = []
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in ("from_pretrained", "from_config", "pipeline"):
            continue
        owner = ast.unparse(node.func.value)
        if owner.split(".")[-1].startswith(("Auto", "transformers")):
            keys = {k.arg or "" for k in node.keywords}
            if "" in keys and '"trust_remote_code": False' in text:
                keys.add("trust_remote_code")  # handed on as **keywords
            found.append((node.lineno, keys))
    return found


def test_every_call_that_could_run_code_says_no() -> None:
    files = [p for d in ("lorid_data", "lorid_train", "scripts", "benchmarks") for p in (ROOT / d).rglob("*.py")]  # fmt: skip
    calls = [(p, line, keys) for p in files for line, keys in calls_of_transformers(p)]
    assert len(calls) >= 8
    wrong = [f"{p.name}:{line}" for p, line, keys in calls if "trust_remote_code" not in keys]
    assert wrong == []
    texts = [p.read_text(encoding="utf-8").replace(" ", "") for p in files]
    assert not [t for t in texts if "trust_remote_code=" + "True" in t]


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "generation_config.json"])
@pytest.mark.parametrize("deep", [False, True])
def test_a_base_that_names_code_is_refused_before_anything_is_loaded(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, deep: bool
) -> None:
    ran = tmp_path / "ran"
    (base / "modeling_x.py").write_text(CODE.format(ran))
    names = {"AutoConfig": "modeling_x.C", "AutoModelForCausalLM": "modeling_x.M", "AutoTokenizer": ["modeling_x.T", None]}  # fmt: skip
    change(base / file, **({"text_config": {"auto_map": names}} if deep else {"auto_map": names}))
    monkeypatch.setattr(builtins, "input", lambda *_: "y")
    with pytest.raises(ConfigError, match=rf"{file} has 'auto_map'.*never done here"):
        base_model.resolve(str(base))
    assert not ran.exists()


def test_the_libraries_themselves_are_told_not_to_run_code(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder changes after the look into it: then `trust_remote_code=False` stands alone."""
    found = base_model.resolve(str(base))
    ran = tmp_path / "ran"
    (base / "modeling_x.py").write_text(CODE.format(ran))
    names = {"AutoConfig": "modeling_x.C", "AutoModelForCausalLM": "modeling_x.M"}
    change(base / "config.json", auto_map=names, model_type="nothing_known")
    change(base / "tokenizer_config.json", auto_map={"AutoTokenizer": ["modeling_x.T", None]}, tokenizer_class="X")  # fmt: skip
    monkeypatch.setattr(builtins, "input", lambda *_: "y")
    for load in (base_model.load_config, base_model.load_tokenizer, lambda b: base_model.load_model(b, "float32")):  # fmt: skip
        with pytest.raises(ConfigError):
            load(found)
    assert not ran.exists()


@pytest.mark.parametrize(
    "key", ["attn_implementation", "_attn_implementation", "experts_implementation", "use_kernels"]
)
def test_a_base_does_not_choose_kernels(base: Path, key: str) -> None:
    change(base / "config.json", **{key: None})
    base_model.resolve(str(base))
    change(base / "config.json", **{key: "somebody/kernel:forward"})
    with pytest.raises(ConfigError, match=f"{key!r}, which would choose kernels"):
        base_model.resolve(str(base))


def test_a_base_is_not_another_one_that_an_adapter_in_it_names(base: Path) -> None:
    change(base / "adapter_config.json", peft_type="LORA", base_model_name_or_path="evil/base")
    with pytest.raises(ConfigError, match=r"holds adapter_config\.json"):
        base_model.resolve(str(base))


def test_all_that_is_refused_is_said_at_once(base: Path) -> None:
    change(base / "config.json", auto_map={"AutoConfig": "x.C"}, attn_implementation="a/b")
    change(base / "tokenizer_config.json", auto_map={"AutoTokenizer": ["x.T", None]})
    with pytest.raises(ConfigError) as caught:
        base_model.resolve(str(base))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("body", ["[1]", "{", "[" * 100_000, '{"a": ' * 50_000, "\xff", "null"])
def test_a_base_whose_configuration_is_no_object_is_refused(base: Path, body: str) -> None:
    (base / "tokenizer_config.json").write_text(body, encoding="latin-1")
    with pytest.raises(ConfigError, match=r"tokenizer_config\.json (cannot be read|is a )"):
        base_model.resolve(str(base))


def adapter(folder: Path, **config: Any) -> Path:
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(b"w")
    body = {"peft_type": "LORA", "r": 4, "target_modules": ["q_proj"], **config}
    (folder / "adapter_config.json").write_text(json.dumps(body))
    return folder


def test_an_adapter_imports_no_module(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "a", megatron_config={"x": 1}, megatron_core="antigravity")
    with pytest.raises(ConfigError, match="imports the module 'antigravity'"):
        read_metadata(folder)
    read_metadata(adapter(tmp_path / "b", megatron_config=None, megatron_core="megatron.core"))


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"(.*)*x",
        r"(\w|\d){2,}z",
        r"(a)\1",
        "(",
        ".*.*.*.*.*.*x",
        "a|" * 5000,
        "(a|a)" * 30,
        "(?:.?)" * 40,
        ".??" * 50,
        "(?:a|[|]|.)" * 20,
        "x^" * 5000,
    ],
)
@pytest.mark.parametrize("key", ["target_modules", "exclude_modules", "rank_pattern"])
def test_an_adapters_patterns_are_matched_in_a_moment(
    tmp_path: Path, key: str, pattern: str
) -> None:
    value = {pattern: 4} if key == "rank_pattern" else pattern
    with pytest.raises(ConfigError, match=key):
        read_metadata(adapter(tmp_path / "a", **{key: value}))


@pytest.mark.parametrize(
    "pattern", ["all-linear", r"^(?!.*visual).*(?:q_proj|v_proj).*", r"model\.layers\.\d+\.self_attn\.(q|v)_proj"]
)  # fmt: skip
def test_patterns_that_training_programs_write_are_taken(tmp_path: Path, pattern: str) -> None:
    read_metadata(adapter(tmp_path / "a", target_modules=pattern))


def test_a_look_into_a_base_of_the_hub_pins_what_is_loaded(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file is asked for at the commit that the first look found."""
    asked: list[tuple[str, str | None]] = []

    def download(source: str, file: str, *, revision: str | None) -> str:
        asked.append((file, revision))
        folder = base.parent / "snapshots" / "c0ffee"
        if not folder.is_dir():
            shutil.copytree(base, folder)
        if not (folder / file).is_file():
            from huggingface_hub.errors import LocalEntryNotFoundError

            raise LocalEntryNotFoundError("none")
        return str(folder / file)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    found = base_model.Base("o/n", "o/n", None, "hub:o/n@main")
    assert base_model.checked_revision(found) == "c0ffee"
    assert {r for f, r in asked[1:]} == {"c0ffee"}
    assert [f for f, _ in asked[1:]] == list(untrusted.READ_BY_TRANSFORMERS)
    change(base.parent / "snapshots" / "c0ffee" / "config.json", auto_map={"AutoConfig": "x.C"})
    with pytest.raises(ConfigError, match="auto_map"):
        base_model.load_tokenizer(found)


def test_pickles_travel_in_our_own_pipes_alone() -> None:
    """Reading a pickle runs what is in it: the pipes between a command and its workers, which no file is, may."""
    found = set()
    for package in ("lorid_data", "lorid_train"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names: list[str] = []
                if isinstance(node, ast.Import):
                    names = [a.name for a in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "joblib.load"):  # fmt: skip
                    names = ["pickle"]
                if {n.partition(".")[0] for n in names} & {"pickle", "dill", "cloudpickle", "marshal", "joblib", "shelve"}:  # fmt: skip
                    found.add(path.relative_to(ROOT / package).as_posix())
    assert found == {"workers/child.py", "workers/pool.py"}
