"""What an adapter was trained with is what it is used with: tokenizer, template, commit, day."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from lorid_data.errors import ConfigError
from lorid_data.testing.fake_hub import FakeHub
from lorid_data.testing.fake_hub_repos import folder_repo
from lorid_train.models import adapters, base_model
from lorid_train.training.sft import train

pytestmark = pytest.mark.filterwarnings("ignore")
SUPPORT = Path(__file__).parents[1] / "support"
small = SimpleNamespace(**runpy.run_path(str(SUPPORT / "small_training.py")))
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '</s>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' + strftime_now('%Y') }}{% endif %}"
)
ROLES = ("ir", "kg", "dr")


@pytest.fixture(scope="module")
def made(
    tiny_base: Path, small_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A base with a template, and a run of three roles on it."""
    folder = tmp_path_factory.mktemp("made")
    base, run = folder / "base", folder / "run"
    shutil.copytree(tiny_base, base)
    (base / "chat_template.jinja").write_text(TEMPLATE)
    train(
        small.config(
            base, small_dataset, run, roles=ROLES, format="chat", template_date="2025-05-06",
            sft={"max_steps": 1},
        )
    )  # fmt: skip
    return base, run


@pytest.fixture
def trained(made: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """Copies of both, to be edited."""
    for name, folder in zip(("base", "run"), made, strict=True):
        shutil.copytree(folder, tmp_path / name)
    # Without the manifest, which would notice every edit first, as adapters lie elsewhere.
    (tmp_path / "run" / "manifest.json").unlink()
    return tmp_path / "base", tmp_path / "run"


def opened(run: Path) -> adapters.Adapters:
    folders = {r: str(run / "adapters" / r) for r in ROLES}
    return adapters.open_adapters(folders, str(run.parent / "base"))


def card(run: Path, role: str = "kg") -> dict[str, Any]:
    body: dict[str, Any] = json.loads((run / "adapters" / role / "lorid.json").read_text())
    return body


def test_the_card_says_format_day_and_tokenizer(trained: tuple[Path, Path]) -> None:
    base, run = trained
    assert card(run)["format"] == "chat.v2"
    assert card(run)["template_date"] == "2025-05-06"
    assert card(run)["tokenizer_sha256"] == base_model.resolve(str(base)).tokenizer
    found = opened(run)
    assert (found.format.name, found.format.date) == ("chat.v2", "2025-05-06")
    text = found.format.text(base_model.load_tokenizer(found.base), "Q")
    assert text.endswith("assistant: 2025")


@pytest.mark.parametrize(
    "edit",
    [
        lambda base: (base / "chat_template.jinja").write_text(TEMPLATE.replace(": ", "- ")),
        lambda base: (base / "chat_template.jinja").unlink(),
        lambda base: change(base / "tokenizer_config.json", eos_token="<s>"),
        lambda base: change(base / "tokenizer.json", version="2.0"),
        lambda base: (base / "added_tokens.json").write_text('{"<new>": 300}'),
    ],
    ids=["template", "no template", "end token", "vocabulary", "added tokens"],
)
def test_a_tokenizer_edited_after_training_is_refused(
    edit: Any, trained: tuple[Path, Path]
) -> None:
    base, run = trained
    opened(run)
    edit(base)
    with pytest.raises(ConfigError, match="another tokenizer or chat template") as e:
        opened(run)
    assert len(e.value.problems) == 3


def change(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def test_adapters_from_before_are_used_with_one_warning(
    trained: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, run = trained
    for role in ROLES:
        body = card(run, role)
        del body["tokenizer_sha256"], body["template_date"]
        (run / "adapters" / role / "lorid.json").write_text(json.dumps(body))
    assert opened(run).format.date == "2024-07-26"
    said = capsys.readouterr().err
    assert said.count("warning") == 1
    assert "trained before tokenizers were recorded" in said


def test_adapters_of_several_days_are_refused(trained: tuple[Path, Path]) -> None:
    _, run = trained
    change(run / "adapters" / "dr" / "lorid.json", template_date="2026-01-01")
    with pytest.raises(ConfigError, match="several template dates"):
        opened(run)


COMMANDS = """
import json, sys
from lorid_data.commandline.program import run
from lorid_train.cli import app
for argv in json.loads(sys.argv[1]):
    print("status", run(app, argv), flush=True)
"""


def commands(hub: FakeHub, home: Path, *argvs: list[str]) -> tuple[list[str], str]:
    """What each command ended with, in one process that takes the fake Hub for the Hub; and stderr."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    env |= {**hub.environment, "HF_HOME": str(home)}
    code = [sys.executable, "-c", COMMANDS, json.dumps(argvs)]
    done = subprocess.run(code, env=env, capture_output=True, text=True, check=False)
    said = done.stdout.splitlines()
    return [line.split()[1] for line in said if line.startswith("status")], done.stderr


@pytest.mark.slow
def test_the_commit_of_a_base_is_written_down_however_it_was_named(
    tiny_base: Path, small_dataset: Path, tmp_path: Path
) -> None:
    """`main` moves; runs, cards and evaluations say what it was, and a commit is held to."""
    run, home = tmp_path / "run", tmp_path / "home"
    config = small.config(Path("tiny/base"), small_dataset, run, roles=ROLES, sft={"max_steps": 1})
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json", exclude_defaults=True)))
    repo = folder_repo("tiny/base", "model", tiny_base)
    old = repo.heads["main"]
    repo.tags["v1"] = old

    def evaluation(name: str, *more: str) -> list[str]:
        sampling = ["--rounds", "1", "--max-new-tokens", "2", "--dtype", "float32", "--limit", "1", "--allow-trained-questions"]  # fmt: skip
        where = ["--dataset", str(small_dataset), "--out", str(tmp_path / name)]
        return ["evaluate", "--adapters", str(run), *where, *sampling, *more]

    with FakeHub() as hub:
        hub.routes.add(repo)
        ended, said = commands(hub, home, ["sft", str(file)], evaluation("first"))
        assert ended == ["0", "0"], said
        tree = dict(repo.commits[old].tree)
        new = repo.add("main", "another tokenizer", tree | {"x": tree["config.json"]}, old).sha
        merged = ["merge", str(run / "adapters" / "kg"), "--out", str(tmp_path / "merged")]
        ended, said = commands(
            hub, home,
            evaluation("later"),
            evaluation("by-tag", "--base", "tiny/base@v1"),
            evaluation("by-commit", "--base", f"tiny/base@{old}"),
            merged,
            evaluation("moved", "--base", "tiny/base@main"),
        )  # fmt: skip
    assert ended == ["0", "0", "0", "0", "2"], said
    assert f"was trained on another base model ('tiny/base', hub:tiny/base@{old})" in said
    assert f"hub:tiny/base@{new}" in said
    assert not (tmp_path / "moved").exists()
    for role in ROLES:
        assert card(run, role)["base_revision"] == old
        assert card(run, role)["base_fingerprint"] == f"hub:tiny/base@{old}"
    for folder in (run, *(tmp_path / n for n in ("first", "later", "by-tag", "by-commit"))):
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["identity"]["base_sha256"] == f"hub:tiny/base@{old}"
        assert f"hub:tiny/base@{old}" in (folder / "config.yaml").read_text()
    written = yaml.safe_load((run / "config.yaml").read_text())
    assert old in str(written)
    assert "revision: null" not in (run / "config.yaml").read_text()
    assert (tmp_path / "merged" / "config.json").is_file()


def test_a_base_is_named_with_its_revision() -> None:
    found = base_model.resolve("owner/name@v1.0")
    assert (found.name, found.revision) == ("owner/name", "v1.0")
    assert found == base_model.resolve("owner/name", "v1.0")
    with pytest.raises(ConfigError, match="names the revision 'v1', and 'v2' is asked for"):
        base_model.resolve("owner/name@v1", "v2")


def test_what_was_proved_is_remembered_under_all_that_decides_it(
    trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lorid_train.config import EvalConfig
    from lorid_train.engines import self_check
    from lorid_train.evaluation import in_process

    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    proved: list[str] = []
    plain = self_check.references

    def counted(*args: Any) -> Any:
        proved.append("once")
        return plain(*args)

    monkeypatch.setattr(self_check, "references", counted)

    def ask(**changes: Any) -> int:
        config = EvalConfig(adapters={}, dataset="d", out="o", dtype="float32", **changes)
        in_process.make_engine(config, opened(trained[1]))
        return len(proved)

    assert ask() == ask() == 1
    assert ask(merged=True) == 2
    [file, _] = sorted((tmp_path / "home").rglob("*.json"))
    file.write_text("{")  # cut short
    assert (ask(), ask(merged=True))[-1] == 3  # whichever of the two it was
    weights = trained[1] / "adapters" / "kg" / "adapter_model.safetensors"
    shutil.copyfile(trained[1] / "adapters" / "dr" / "adapter_model.safetensors", weights)
    assert ask() == 4
