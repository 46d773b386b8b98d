"""Kill a command at its n-th file event, run it again, and compare what is there with a calm run.

    python killed.py '{"argv": […], "program": "lorid_data", "work": DIR, "template": DIR, "every": 9}'

`work` is made anew from `template` before each run; events below `work` count. An audit hook sees
each event before it happens, so that a kill at event n is a kill between n - 1 and n. What is
forked has imported nothing that starts threads; `preload` names modules that are costly to import
in each child. `most` bounds the number of kills, spread over all events. Prints a JSON list of what
went wrong, or of such lists where a list of orders is given; the number of events on stderr.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVENTS = frozenset(["open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink", "sqlite3.connect", "shutil.rmtree", "fcntl.flock"])  # fmt: skip
# Locks, notes and what SQLite keeps beside a database; its content is compared by what it became.
PASSED_OVER = re.compile(
    r"\.lock$|\.verified\.json$|journal\.sqlite|executions\.sqlite|labels\.sqlite"
)
LEFTOVER = re.compile(r"\..*\.tmp$")


def in_child(work: Callable[[], int]) -> int:
    """Run in a forked process; its exit status, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            sink = os.open(os.devnull, os.O_WRONLY)
            if not os.environ.get("LORID_SHOW"):
                os.dup2(sink, 1)
                os.dup2(sink, 2)
            status = work()
        finally:
            os._exit(status)
    _, ended = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(ended)


def hooked(run: Callable[[], int], root: str, kill_at: int, counted: Path | None) -> int:
    """Run with a hook that counts file events below `root`, and kills the process at one of them."""
    n = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal n
        if event not in EVENTS or not _is_below(args, root, event):
            return
        n += 1
        if n == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    status = run()
    if counted is not None:
        counted.write_text(str(n))
    return status


def _is_below(args: tuple[Any, ...], root: str, event: str) -> bool:
    if event == "fcntl.flock":
        return True
    if event == "open" and len(args) > 2 and not (args[2] & (os.O_WRONLY | os.O_RDWR)):
        return False
    return bool(args) and isinstance(args[0], (str, bytes, os.PathLike)) and os.fsdecode(args[0]).startswith(root)  # fmt: skip


def tree(root: Path, passed_over: str = "$^") -> dict[str, str]:
    """sha256 of each file that a reader may see."""
    return {
        name: hashlib.sha256(content(p)).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
        and not PASSED_OVER.search(p.name)
        and not re.search(passed_over, name := str(p.relative_to(root)))
    }


def content(path: Path) -> bytes:
    """The bytes of a file; of draws, whose order is that in which they were made, the sorted lines."""
    data = path.read_bytes()
    return b"".join(sorted(data.splitlines(keepends=True))) if path.name == "draws.jsonl" else data


def runner(program: str) -> Callable[[list[str]], int]:
    """What runs a command line of a program, in this process."""
    if program == "lorid_data":
        found: Callable[[list[str]], int] = importlib.import_module("lorid_data.cli.app").main
        return found
    app = importlib.import_module("lorid_train.cli").app
    run = importlib.import_module("lorid_data.commandline.program").run
    return lambda argv: int(run(app, argv))


def main(order: dict[str, Any]) -> list[str]:
    """What went wrong at which event."""
    start = runner(order["program"])
    for module in order.get("preload", ()):
        importlib.import_module(module)
    passed_over = order.get("passed_over", "$^")
    work, template, argv = Path(order["work"]), Path(order["template"]), list(order["argv"])
    allowed = set(order.get("allowed", [0]))

    def fresh() -> None:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(template, work)

    def run() -> int:
        return int(start(argv))

    counted = work.with_name("counted")
    fresh()
    status = in_child(lambda: hooked(run, str(work), 0, counted))
    if status not in allowed:
        return [f"a calm run ended with {status}"]
    calm, n_events = tree(work, passed_over), int(counted.read_text())
    every = max(order["every"], n_events // order.get("most", n_events))
    wrong = []
    for n in range(1 + every // 2, n_events + 1, every):
        fresh()
        killed = in_child(lambda n=n: hooked(run, str(work), n, None))
        if killed != -signal.SIGKILL and killed not in allowed:
            wrong.append(f"event {n} of {n_events}: ended with {killed}")
            continue
        # The note of what was verified is written where files have settled: on a slow machine there
        # are a few events more, and the last ones are not always reached.
        again = in_child(run)
        if again not in allowed:
            wrong.append(f"event {n} of {n_events}: run again, it ended with {again}")
            continue
        after = {k: v for k, v in tree(work, passed_over).items() if not LEFTOVER.search(k)}
        if after != calm:
            differ = sorted(k for k in {*after, *calm} if after.get(k) != calm.get(k))
            wrong.append(f"event {n} of {n_events}: {differ} differ")
    sys.stderr.write(f"{n_events} events\n")
    return wrong


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    sys.stdout.write(
        json.dumps([main(o) for o in given] if isinstance(given, list) else main(given))
    )
