"""The process in which Math-Verify runs: `python -m lorid_data.answers.worker`.

It reads lines of JSON, {"a": LaTeX, "b": LaTeX, "limit_s": seconds}, and answers each with one line,
{"verdict": "equal" | "different" | "unparsed" | "timeout"}. The libraries are loaded once; a forked
child with a memory limit does the comparisons, and is killed and replaced when one takes too long.
No text is evaluated: Math-Verify's LaTeX grammar is the only parser that sees it.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any

MEMORY_BYTES = 1 << 30
"""Address space of the child that compares."""
WARM_UP = ((r"\sin^2 x+\frac{1}{2}", r"\frac{3}{2}-\cos^2 x"), (r"x^2=\frac{y}{2}", r"2x^2=y"))
"""Compared before all forks but the first: the grammar's tables and much of sympy load only when they are used."""
READY = b'{"ready": true}\n'
"""Said when the libraries are loaded, and again after the warm-up that follows the first reply."""
MAX_SERVED = 5000
"""Comparisons after which a child is replaced, since sympy's caches only grow."""


def verdict(a: str, b: str) -> str:
    """Compare two LaTeX texts with Math-Verify in both orders; equal only if both say so."""
    from math_verify import verify

    try:
        left, right = _parse(a), _parse(b)
    except (MemoryError, RecursionError):
        return "unparsed"
    if left is None or right is None:
        return "unparsed"
    options: dict[str, Any] = {"timeout_seconds": None, "raise_on_error": False}
    one = verify(left, right, **options)
    if left == right and one:
        return "equal"
    return "equal" if one and verify(right, left, **options) else "different"


def _parse(text: str) -> Any:
    """A sympy object, or None where the grammar does not know the text."""
    from latex2sympy2_extended import NormalizationConfig, latex2sympy, normalize_latex
    from math_verify.grader import should_treat_as_complex

    # Units are not stripped here: that rule would also take the last letter of 5t.
    config = NormalizationConfig(
        basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="none"
    )
    try:
        normal = normalize_latex(text, config=config)
        return latex2sympy(
            normal,
            is_real=not should_treat_as_complex(normal),
            convert_degrees=True,
            normalization_config=None,
        )
    except (MemoryError, RecursionError):
        raise
    except Exception:  # noqa: BLE001  (the grammar raises a bare Exception for what it does not know)
        return None


def _serve(requests: int, replies: int) -> None:
    """The child: one comparison after the other, until the pipe closes."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    with os.fdopen(requests, "rb") as lines, os.fdopen(replies, "wb", buffering=0) as out:
        for _ in range(MAX_SERVED):
            line = lines.readline()
            if not line:
                return
            request = json.loads(line)
            try:
                found = verdict(request["a"], request["b"])
            except (MemoryError, RecursionError):
                found = "unparsed"
            except Exception:  # noqa: BLE001  (whatever sympy trips over, it has not compared)
                found = "unparsed"
            out.write(json.dumps({"verdict": found}).encode() + b"\n")


class Child:
    """A forked process that compares, and the two pipes to it."""

    def __init__(self) -> None:
        to_child, self._requests = os.pipe()
        self._replies, from_child = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._requests)
                os.close(self._replies)
                _serve(to_child, from_child)
            finally:
                os._exit(0)
        os.close(to_child)
        os.close(from_child)

    def ask(self, line: bytes, limit_s: float) -> bytes | None:
        """The reply, or None where the child died or the time is over."""
        try:
            os.write(self._requests, line)
        except BrokenPipeError:
            return None
        deadline = time.monotonic() + limit_s
        reply = b""
        while not reply.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._replies], [], [], left)[0]:
                return None
            piece = os.read(self._replies, 65536)
            if not piece:
                return b""
            reply += piece
        return reply

    def end(self) -> None:
        """Kill it and take its pipes and its exit status away."""
        os.kill(self.pid, signal.SIGKILL)
        os.close(self._requests)
        os.close(self._replies)
        os.waitpid(self.pid, 0)


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def main() -> None:
    """Serve until standard input closes."""
    import logging

    import latex2sympy2_extended  # noqa: F401
    import math_verify  # noqa: F401  (both are loaded once, for every child)

    logging.disable(logging.CRITICAL)
    _say(READY)
    child = Child()
    n_served = 0
    is_warm = False
    for line in sys.stdin.buffer:
        reply = child.ask(line, float(json.loads(line)["limit_s"]))
        n_served += 1
        if not reply or n_served >= MAX_SERVED:
            child.end()
            child = Child()
            n_served = 0
        if not reply:
            reply = (
                json.dumps({"verdict": "timeout" if reply is None else "unparsed"}).encode() + b"\n"
            )
        _say(reply)
        if not is_warm:  # after the first reply, whose asker has waited for the imports
            for pair in WARM_UP:
                verdict(*pair)
            child.end()
            child, is_warm = Child(), True
            _say(READY)
    child.end()


if __name__ == "__main__":
    main()
