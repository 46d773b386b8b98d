"""The commands that make a published dataset again, out of its manifests."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from lorid_data.cards.render import one_line
from lorid_data.publish.card_fields import CardFields
from lorid_data.publish.chain import Chain, Link
from lorid_data.publish.gates import Gate

_INTERNAL = frozenset({"method", "concurrency", "budget"})
_OF_TRAINING = frozenset({"export-knowledge", "export-draws"})
"""Stages that are commands of `lorid-train`."""
_NO_COMMAND = frozenset({"study-data"})


def commands(
    chain: Chain, gates: Sequence[Gate], words: CardFields, *, repo_id: str, tag: str
) -> str:
    """One command a line; folders are named after their stage."""
    lines = [one_line(f"# lorid {chain.last.manifest.code_version}")]
    if chain.missing:
        lines.append(one_line(f"# what came before is not known here: manifest {chain.missing}"))
    before = "BEFORE"
    for i, link in enumerate(chain.links):
        stage = link.manifest.stage
        out = f"{i:02d}-{stage}"
        if stage in _NO_COMMAND:
            lines.append(f"# {out}: made by {stage!r}, which is no command of its own")
        else:
            lines.append(shlex.join(_command(link, before, out)))
        before = out
    if any(g.name == "audit" and g.is_met for g in gates):
        lines.append(shlex.join(["lorid-data", "audit", before]))
    argv = ["lorid-data", "publish", before, repo_id, "--tag", tag]
    for g in gates:
        argv += [] if g.is_met or not g.is_allowed else ["--allow", g.name]
    if words.title:
        argv += ["--title", one_line(words.title)]
    return "\n".join([*lines, shlex.join(argv)])


def _command(link: Link, before: str, out: str) -> list[str]:
    m = link.manifest
    if m.stage == "build":
        return ["lorid-data", "build", *_build_options(m.identity, m.settings), "--out", out]
    if m.stage == "import":
        table = str(m.identity.get("table", "TABLE"))
        made_of = ["lorid-data", "import", table, "--split", str(m.identity.get("split"))]
        return [*made_of, *_options(m.settings), "--out", out]
    program = "lorid-train" if m.stage in _OF_TRAINING else "lorid-data"
    return [program, m.stage, before, *_options({**m.identity, **m.settings}), "--out", out]


def _build_options(identity: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    argv = [str(identity.get("source"))]
    for asked in identity.get("teachers", [identity]):
        argv += ["--teacher", _teacher(asked)]
    argv += ["--split", str(identity.get("split"))]
    if identity.get("samples", 1) != 1:
        argv += ["--samples", str(identity["samples"])]
    if identity.get("rewrite_rationale"):
        argv.append("--rewrite-rationale")
    said = {"seed": settings.get("seed") or None, "scale": settings.get("scale"), **identity}
    for name in ("temperature", "max_tokens", "reasoning_effort", "seed", "scale"):
        if said.get(name) is not None:
            argv += [f"--{name.replace('_', '-')}", str(said[name])]
    if settings.get("columns"):
        argv += ["--columns", *map(str, settings["columns"])]
    if settings.get("limit") is not None:
        argv += ["--limit", str(settings["limit"])]
    if settings.get("mode") not in (None, "online"):
        argv += ["--mode", str(settings["mode"])]
    return argv


def _teacher(asked: dict[str, Any]) -> str:
    """A teacher as `--teacher` names it."""
    kind = str(asked.get("teacher"))
    if kind in ("openai", "anthropic", "server"):
        kind += f":{asked.get('model')}"
    if kind.startswith("server:"):
        kind += f"@{asked.get('endpoint')}"
    return f"{kind}:FILE" if kind == "scripted" else kind


def _options(identity: dict[str, Any]) -> list[str]:
    """Options of a stage that are plain values; hashes and nested values stay in its config.yaml."""
    argv: list[str] = []
    for name, value in identity.items():
        if name in _INTERNAL or name.endswith(("sha256", "version")):
            continue
        option = name.replace("_", "-")
        if isinstance(value, bool):
            argv.append(f"--{option}" if value else f"--no-{option}")
        elif named := _named(value):
            argv += [f"--{option}", *named]
    return argv


def _named(value: object) -> list[str]:
    """A plain value as text; of what has a name (a table, a test set) the name."""
    if isinstance(value, (str, int, float)):
        return [str(value)]
    if isinstance(value, dict):
        return [str(value["name"])] if "name" in value else []
    return [n for v in value for n in _named(v)] if isinstance(value, (list, tuple)) else []
