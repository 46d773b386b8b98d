"""Progress on stderr: a live panel on a terminal, one plain line every 10 s elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from lorid_data.texts.visible import spelled_out

if TYPE_CHECKING:
    from rich.panel import Panel


class Progress:
    """Counts, rate and time left on stderr: a live line on a terminal, one plain line every 10 s elsewhere.

    Use as a context manager; `advance` may be called from any thread.
    """

    def __init__(
        self,
        title: str,
        total: int | None,
        *,
        done: int = 0,
        stream: TextIO | None = None,
        every_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title, self._total, self._done = title, total, done
        self._already = done
        self._counts: dict[str, int] = {}
        self._is_bound, self._then = False, ""
        self._stream = stream if stream is not None else sys.stderr
        self._every_s, self._clock = every_s, clock
        self._start = clock()
        self._closed = threading.Event()
        self.note: Callable[[int, int], str] | None = None
        """Called with the numbers done by this run and left; what it says ends the line, if anything."""
        self._live: Any = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._start = self._clock()
        if self._stream.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                get_renderable=self._panel,
                console=Console(file=self._stream),
                refresh_per_second=4,
                transient=True,
            )
            self._live.start()
        else:
            self._thread = threading.Thread(target=self._tick, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed.set()
        if self._live is not None:
            self._live.stop()
        if self._thread is not None:
            self._thread.join()
        self._print(self.line())

    def advance(self, n: int = 1, **counts: int) -> None:
        """Count `n` more as done, and add to the named counts (`kept=1`, `rejected=1`)."""
        self._done += n
        for name, more in counts.items():
            self._counts[name] = self._counts.get(name, 0) + more

    def limit(self, total: int, *, is_bound: bool = False, then: str = "") -> None:
        """Set what is to be done in all; `is_bound` where it may be less.

        `then` names what follows and is not counted yet: a bound is not raised later without a word.
        """
        self._total, self._is_bound, self._then = total, is_bound, then

    def line(self) -> str:
        """The state in one line: `build: 120/256 (47 %), kept 118, rejected 2, 12.0/s, 11 s left`."""
        elapsed_s = max(self._clock() - self._start, 1e-9)
        rate = (self._done - self._already) / elapsed_s
        parts = [f"{self._done:,}"]
        if self._total:
            whole = f"{self._done:,}/{self._total:,} ({self._done / self._total:.0%})"
            parts = [f"{self._done:,} of at most {self._total:,}" if self._is_bound else whole]
            parts[0] += f", then {self._then}" * bool(self._then)
        parts += [f"{name} {n:,}" for name, n in self._counts.items()]
        parts.append(f"{rate:,.1f}/s")
        if self._total and rate > 0 and self._done < self._total:
            if_all = " if all are needed" * self._is_bound  # no bound: the rate changes
            parts.append(f"{(self._total - self._done) / rate:,.0f} s left{if_all}")
        if self.note is not None:
            n_left = max(0, (self._total or 0) - self._done)
            try:
                parts.append(self.note(self._done - self._already, n_left))
            except Exception as e:  # noqa: BLE001  (what it tells of goes on; so must the telling)
                parts.append(f"no more is known ({type(e).__name__}: {e})")
        return f"{self._title}: {', '.join(filter(None, parts))}"

    def _panel(self) -> Panel:
        from rich.panel import Panel
        from rich.text import Text

        title, _, state = self.line().partition(": ")
        return Panel(Text(spelled_out(state)), title=Text(spelled_out(title)), expand=False)

    def _tick(self) -> None:
        while not self._closed.wait(self._every_s):
            self._print(self.line())

    def _print(self, text: str) -> None:
        print(spelled_out(text), file=self._stream, flush=True)


def say(message: str) -> None:
    """One line for people, on stderr."""
    sys.stderr.write(f"{spelled_out(message)}\n")
