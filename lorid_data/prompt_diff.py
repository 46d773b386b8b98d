"""`prompts diff`: which rows a change of the prompt would ask again, and their price."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

from lorid_data import prompts
from lorid_data.build import PROMPT, SYSTEM
from lorid_data.errors import InputError
from lorid_data.journal import JOURNAL, costs_by_problem
from lorid_data.schema import Record, Reject
from lorid_data.store import RECORDS, REJECTS, read_manifest, read_rows


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
    if "teachers" in identity:
        raise InputError(
            f"{folder}: built of several replies a row; compare folders of one teacher"
        )
    if manifest.stage != "build" or "prompt" not in identity:
        raise InputError(f"{folder}: no teacher was asked for it; name a folder of `build`")
    path = journal or folder / JOURNAL
    if not path.is_file():
        raise InputError(f"{path}: no journal; name the one that was used with --journal")
    new, system = prompts.load(prompt_id or PROMPT), prompts.load(SYSTEM)
    old = identity["prompt"]
    same = (old["sha256"], identity["system_prompt"]["sha256"]) == (new.sha256, system.sha256)
    head = f"{folder}: built with {old['id']} ({old['sha256'][:12]}…); compared with {new.id} ({new.sha256[:12]}…)"
    if same:
        return f"{head}\nthe same text: no row would be asked again"
    rows = {r.problem_id for r in read_rows(folder / RECORDS, Record)}
    rows |= {r.problem_id for r in read_rows(folder / REJECTS, Reject)}
    costs = costs_by_problem(path, model=str(identity["model"]), prompt_sha256=str(old["sha256"]))
    asked = [costs[p] for p in rows if p in costs]
    known = [c for c in asked if c is not None]
    price = f"${sum(known):.4f}" if len(known) == len(asked) else "an unknown sum"
    lines = [head, f"{len(asked):,} questions would be asked again; they cost {price} when they were asked"]  # fmt: skip
    return "\n".join([*lines, *_text_diff(old, new)])


def _text_diff(old: dict[str, str], new: prompts.Prompt) -> list[str]:
    """The two texts side by side, where the old one is still packaged."""
    before = prompts.load(old["id"])
    if before.sha256 != old["sha256"]:
        return ["(the text that the folder was built with is not packaged any more)"]
    diff = unified_diff(before.text.splitlines(), new.text.splitlines(), old["id"], new.id, lineterm="")  # fmt: skip
    return list(diff)
