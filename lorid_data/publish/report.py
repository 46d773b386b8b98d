"""What publishing did, or would do, in lines for people."""

from __future__ import annotations

from lorid_data.hub.publishing import said
from lorid_data.hub.state import difference
from lorid_data.publish.stage import Published
from lorid_data.texts.counting import count


def describe(done: Published, repo_id: str) -> str:
    """The result of `publish`, the difference to the Hub included."""
    lines = []
    if done.diff is not None:
        lines += difference(done.diff)
    if done.pushed is None:
        lines.append(
            f"dry run: {count(done.n_rows, 'row')}, nothing was sent; written to {done.folder}"
        )
        lines += [f"would be refused: {r}" for r in done.refused]
        return "\n".join(lines)
    what = said(done.pushed)
    lines.append(
        f"published {count(done.n_rows, 'row')} as {repo_id}: {what}; loaded back and equal"
    )
    return "\n".join(lines)
