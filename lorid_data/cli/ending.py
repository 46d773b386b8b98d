"""How a stage's command ends: a line about what it did, and its exit status."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lorid_data.commandline.failures import EXIT_FAILED, EXIT_OK

if TYPE_CHECKING:
    from lorid_data.schema import Manifest

_OF_THE_TEACHER = (
    "reply_truncated", "reply_not_json", "reply_wrong_shape", "teacher_refused", "knowledge_format",
)  # fmt: skip
"""Reasons that are a teacher's: where they hit many rows, it is asked in a wrong way."""
SHOWN = {"stage", "n_in", "n_kept", "n_rejected", "figures", "files"}
"""Of a manifest, with `--json`."""
_MANY = 1 / 3


def finish(manifest: Manifest, out: Path) -> int:
    """Say what a stage did; the exit status, 1 where rows failed or none is left."""
    from lorid_data.commandline.progress import say
    from lorid_data.commandline.result import show
    from lorid_data.folders.manifests import n_failed
    from lorid_data.pipeline import nothing_kept, summary

    body = manifest.model_dump(mode="json", include=SHOWN)
    show(summary(manifest, out), {**body, "out": str(out)})
    if nothing := nothing_kept(manifest, out):
        say(f"error: {nothing}")
    return EXIT_FAILED if n_failed(manifest) or nothing else EXIT_OK


def finish_asking(manifest: Manifest, out: Path) -> int:
    """As `finish`, for a stage that asks a teacher: 1 too where many rows are rejected for one reason."""
    status = finish(manifest, out)
    return EXIT_FAILED if is_asked_wrongly(manifest) else status


def is_asked_wrongly(manifest: Manifest) -> bool:
    """Whether many rows are rejected for one reason that is a teacher's; says so."""
    from lorid_data.commandline.progress import say
    from lorid_data.schema import RejectReason

    found = False
    for reason in _OF_THE_TEACHER:
        n = manifest.n_rejected.get(reason, 0)
        if n > 2 and n > _MANY * manifest.n_in:
            say(
                f"error: {n:,} of {manifest.n_in:,} rows are rejected as {reason}: {RejectReason(reason).sentence} "
                "Something is wrong with all of them; look at rejects.parquet, and at one call with `lorid-data doctor`"
            )
            found = True
    return found
