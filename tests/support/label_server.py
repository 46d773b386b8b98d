"""`lorid-data label` as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class LabelServer:
    """A running page."""

    def __init__(self, folder: Path, annotator: str, *options: str) -> None:
        argv = [sys.executable, "-m", "lorid_data", "label", str(folder), "--annotator", annotator]
        self.process = subprocess.Popen(
            [*argv, *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), self.process.communicate()

    def end(self, by: int = signal.SIGINT) -> tuple[int, str]:
        """Send a signal; the exit status and everything on stderr."""
        self.process.send_signal(by)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """The exit status and everything on stderr."""
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@contextmanager
def labelling(folder: Path, annotator: str, *options: str) -> Iterator[LabelServer]:
    """A server that is gone when the block ends."""
    server = LabelServer(folder, annotator, *options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.communicate()
