"""What publishing adapters did, or would do, in lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lorid_data.hub.publishing import said
from lorid_data.hub.state import difference
from lorid_train.publish.stage import Published


def describe(done: Sequence[Published], dry_run: Path | None, *, logits: bool) -> str:
    """The result of `publish`, repository by repository."""
    lines = []
    for one in done:
        lines.append(f"{one.repo_id}:")
        lines += [f"  {line}" for line in (difference(one.diff) if one.diff else ())]
        if one.pushed is not None:
            lines.append(f"  {said(one.pushed)}")
    if dry_run is not None:
        return "\n".join([*lines, f"dry run: nothing was sent; written to {dry_run}"])
    same = "equal files and logits" if logits else "equal files; logits were not compared"
    return "\n".join([*lines, f"loaded back: {same}"])
