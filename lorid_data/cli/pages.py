"""The commands that make pages for people: `label` and `view`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from lorid_data.cli.numbers import Natural, Positive
from lorid_data.commandline.failures import EXIT_OK
from lorid_data.commandline.result import show
from lorid_data.texts.counting import count


def label(
    folder: Path,
    *,
    annotator: str,
    samples: Positive | None = None,
    seed: Natural | None = None,
    port: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))] = 0,
) -> int:
    """Open the labelling page on 127.0.0.1: one person judges a sample of a dataset, by keys.

    Every key press is saved at once. Run again with the same name, it goes on at the first sample
    without a verdict; another name is another annotator, who sees nothing of the first.

    Args:
        folder: A finished dataset folder; labels.parquet and labels.json are written into it.
        annotator: Whose labels these are.
        samples: Original questions to draw, one row of each; 100, or as many as were begun with.
        seed: Which ones are drawn; 0, or the seed that was begun with.
        port: Port on 127.0.0.1; any free one by default.
    """
    from lorid_data.labelling.serve import serve

    return serve(folder, annotator, seed=seed, n_samples=samples, port=port)


def view(folder: Path, *, out: Path, rows: Positive = 2000, seed: Natural = 0) -> int:
    """Write one HTML page with a folder's rows, kept and rejected; it opens without a server or a network.

    Args:
        folder: A finished dataset folder.
        out: The HTML file to write.
        rows: Most rows on the page; of more, a sample that says that it is one.
        seed: Which rows a sample holds.
    """
    from lorid_data.view.write import view as run_view

    shown = run_view(folder, out, most=rows, seed=seed)
    sample = f", a sample with seed {seed}" if shown.is_sample else ""
    show(
        f"view: {shown.n_kept_shown:,} of {shown.n_kept:,} kept rows and {shown.n_rejected_shown:,} of "
        f"{count(shown.n_rejected, 'rejected one')}{sample} → {out}",
        {**asdict(shown), "out": str(out)},
    )
    return EXIT_OK
