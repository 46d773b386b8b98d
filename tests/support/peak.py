"""Run a command of lorid-data in this process, and print the most memory that it has had: `python -m tests.support.peak ARG…`."""

from __future__ import annotations

import sys
from pathlib import Path

from lorid_data.cli.app import main


def peak_kib() -> int:
    """Of this process since it was started, in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.write(f"{peak_kib()}\n")
    sys.exit(status)
