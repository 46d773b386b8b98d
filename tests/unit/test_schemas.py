"""docs/schemas is what the code takes today, and every ready configuration fits; the Dockerfile is the README's."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MADE = runpy.run_path(str(ROOT / "scripts" / "make_schemas.py"))
READY = [
    (schema, path)
    for schema, folder in (("train", "train"), ("rl", "rl"), ("evaluate", "eval"), ("study", "study"), ("agreement", "agreement"), ("rounds", "rounds"), ("data", "data"))
    for path in sorted((ROOT / "configs" / folder).glob("*.yaml"))
]  # fmt: skip


def read(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(
        (ROOT / "docs" / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    )
    return body


def test_they_are_current() -> None:
    for name, body in MADE["schemas"]().items():
        kept = (ROOT / "docs" / "schemas" / name).read_text(encoding="utf-8")
        assert kept == MADE["text_of"](body), f"{name}: run python scripts/make_schemas.py"


@pytest.mark.parametrize(
    ("schema", "path"), READY, ids=lambda v: v if isinstance(v, str) else v.stem
)
def test_every_ready_configuration_fits(schema: str, path: Path) -> None:
    body, config = read(schema), yaml.safe_load(path.read_text(encoding="utf-8"))
    assert body["additionalProperties"] is False, "an editor marks a key that nobody knows"
    assert config.keys() <= body["properties"].keys()
    assert set(body.get("required", ())) <= config.keys()
    if schema == "data":
        for stage, options in config.items():
            if isinstance(options, dict):
                section = body["properties"][stage]["anyOf"][0]
                assert options.keys() <= section.get("properties", {}).keys(), stage


def test_a_slip_does_not_fit() -> None:
    assert "max_token" not in read("train")["properties"]
    assert read("train")["properties"]["max_tokens"]["minimum"] == 8


def test_the_dockerfile_does_what_the_readme_does() -> None:
    docker = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pinned = re.search(r"^torch==\S+$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    installs = re.findall(r"^RUN (pip install .*)$", docker, re.MULTILINE)
    assert [i.replace('--index-url "$TORCH_INDEX" ', "") for i in installs] == [
        f"pip install {pinned[0]}", "pip install -c constraints.txt '.[train]'",
    ]  # fmt: skip
    for command in installs:
        assert re.sub(r'--index-url "\$TORCH_INDEX" ', "", command) in readme
    command = re.search(r'^CMD \["(.*)"\]$', docker, re.MULTILINE)
    assert command is not None
    assert command[1].replace('", "', " ") in makefile, (
        "the container runs what `make quickstart` runs"
    )
    assert re.search(r"^ARG TORCH_INDEX=\S+/cpu$", docker, re.MULTILINE)
    assert re.search(r"^USER (?!root)", docker, re.MULTILINE)
    for source in re.findall(r"^COPY (.*) \S+$", docker, re.MULTILINE):
        assert all((ROOT / name).exists() for name in source.split())
    packaged = re.findall(
        r'^"([\w/]+)" = "lorid_', (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    for folder in packaged:  # what the wheel is built of
        assert f"COPY {folder.split('/')[0]} " in docker
