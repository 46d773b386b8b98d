"""`label DIR --annotator NAME`: from the command line to a running page, and what is left behind."""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path

from lorid_data.commandline.failures import EXIT_INTERRUPTED, EXIT_OK
from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError
from lorid_data.labelling.files import LABELS, SUMMARY
from lorid_data.labelling.session import Session
from lorid_data.texts.counting import count

_NAME = re.compile(r"[\w.@+-](?:[\w.@+ -]{0,38}[\w.@+-])?")


def serve(
    folder: Path, annotator: str, *, seed: int | None, n_samples: int | None, port: int
) -> int:
    """Serve the page until it is ended there, or by a signal.

    Returns:
        0 where the page ended it, or nothing is left to label; 130 where a signal ended it before.

    Raises:
        ConfigError: the name, the port, the folder or the sample asked for.
    """
    name = unicodedata.normalize("NFC", annotator)
    if not _NAME.fullmatch(name):
        msg = (
            f"--annotator {annotator!r}: up to 40 letters, digits, spaces and . _ @ + - are allowed"
        )
        raise ConfigError(msg)
    from lorid_data.labelling.server import Server

    session = Session(folder, name, seed=seed, n_samples=n_samples)
    try:
        server = Server(session, port)
        n = len(session.order)
        say(f"label: {count(n, 'sample')} of {folder} for {name}, {n - session.n_left()} labelled")
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        say(
            "Open this address in a browser on this machine. Ctrl-C stops it; the same command resumes."
        )
        server.run()
        summary = session.write()
        left = session.n_left()
        say(
            f"label: {n - left} of {n} labelled by {name}, {summary.n} by anyone "
            f"→ {folder / LABELS}, {folder / SUMMARY}"
        )
        return EXIT_OK if server.ended_by_page or left == 0 else EXIT_INTERRUPTED
    finally:
        session.close()
