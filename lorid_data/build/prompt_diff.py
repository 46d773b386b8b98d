"""`prompts diff`: which rows a change of the prompt would ask again, and their price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import Any

from lorid_data import prompts
from lorid_data.asking.journal import JOURNAL, costs_by_problem, replies_in
from lorid_data.build import candidates
from lorid_data.build.candidates import Candidate
from lorid_data.errors import InputError
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import RECORDS, REJECTS
from lorid_data.folders.parquet import read_rows
from lorid_data.schema import Record, Reject
from lorid_data.teachers.base import KNOWLEDGE, REWRITE, SYSTEM
from lorid_data.teachers.prices import dollars
from lorid_data.texts.counting import count


def compare(folder: Path, prompt_id: str | None = None, journal: Path | None = None) -> str:
    """What would change if the folder were built with this prompt, for people.

    Args:
        folder: a folder that `build` has finished.
        prompt_id: the prompt to compare with; by default the one that `build` uses now.
        journal: the folder's journal; its own by default.

    Raises:
        InputError: no teacher was asked for the folder, or its journal is not there.
        ConfigError: there is no such prompt.
    """
    manifest = read_manifest(folder)
    identity = manifest.identity
    if manifest.stage != "build" or "prompt" not in identity:
        raise InputError(f"{folder}: no teacher was asked for it; name a folder of `build`")
    path = journal or folder / JOURNAL
    if not path.is_file():
        raise InputError(f"{path}: no journal; name the one that was used with --journal")
    usual = REWRITE if identity.get("rewrite_rationale") else KNOWLEDGE
    new, system = prompts.load(prompt_id or usual), prompts.load(SYSTEM)
    old = identity["prompt"]
    same = (old["sha256"], identity["system_prompt"]["sha256"]) == (new.sha256, system.sha256)
    head = f"{folder}: built with {old['id']} ({old['sha256'][:12]}…); compared with {new.id} ({new.sha256[:12]}…)"
    if same:
        return f"{head}\nthe same text: no row would be asked again"
    counts = _several(folder, path) if "teachers" in identity else _one(folder, path, identity)
    return "\n".join([head, *counts, *_text_diff(old, new)])


def _one(folder: Path, path: Path, identity: Mapping[str, Any]) -> list[str]:
    """What one teacher that was asked once would be asked again."""
    rows = {r.problem_id for r in read_rows(folder / RECORDS, Record)}
    rows |= {r.problem_id for r in read_rows(folder / REJECTS, Reject)}
    sha256 = str(identity["prompt"]["sha256"])
    costs = costs_by_problem(path, model=str(identity["model"]), prompt_sha256=sha256)
    asked = [costs[p] for p in rows if p in costs]
    return [f"{count(len(asked), 'question')} would be asked again; they cost {_price(asked)} when they were asked"]  # fmt: skip


def _several(folder: Path, path: Path) -> list[str]:
    """What a panel would be asked again: as many replies of each as it was asked for.

    A vote that ends sooner or later with the other prompt asks for fewer or more. A reply that was
    cut off and asked for again counts once.
    """
    table = read_rows(folder / candidates.TABLE, Candidate)
    replies = replies_in(path, {c.request_key for c in table if c.request_key})
    # Rows that are alike share a request; one that was not answered has no key to share.
    asked = {c.request_key or f"{c.row_id} {i}": c for i, c in enumerate(table)}
    groups: dict[str, list[str]] = {}
    for key, c in asked.items():
        groups.setdefault(f"{c.teacher}:{c.model_asked}, sample {c.sample}", []).append(key)
    costs = {key: reply.cost_usd for key, reply in replies.items()}
    n_questions, total = len({c.problem_id for c in table}), _price(costs.values())
    lines = [f"{count(len(asked), 'request')} about {count(n_questions, 'question')} would be asked again; they cost {total} when they were asked"]  # fmt: skip
    for name, keys in groups.items():
        cost = _price(costs[key] for key in keys if key in costs)
        lines.append(f"  {name}: {count(len(keys), 'request')}, {cost}")
    return lines


def _price(costs: Iterable[float | None]) -> str:
    all_costs = list(costs)
    known = [c for c in all_costs if c is not None]
    return dollars(sum(known), 4) if len(known) == len(all_costs) else "an unknown sum"


def _text_diff(old: dict[str, str], new: prompts.Prompt) -> list[str]:
    """The two texts side by side, where the old one is still packaged."""
    before = prompts.load(old["id"])
    if before.sha256 != old["sha256"]:
        return ["(the text that the folder was built with is not packaged any more)"]
    diff = unified_diff(before.text.splitlines(), new.text.splitlines(), old["id"], new.id, lineterm="")  # fmt: skip
    return list(diff)
