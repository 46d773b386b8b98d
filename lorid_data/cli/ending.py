"""How a stage's command ends: a line about what it did, and its exit status."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lorid_data.commandline.failures import EXIT_FAILED, EXIT_OK

if TYPE_CHECKING:
    from lorid_data.schema import Manifest


def finish(manifest: Manifest, out: Path) -> int:
    """Say what a stage did; the exit status, 1 where rows failed."""
    from lorid_data.folders.manifests import n_failed
    from lorid_data.pipeline import summary

    print(summary(manifest, out))
    return EXIT_FAILED if n_failed(manifest) else EXIT_OK
