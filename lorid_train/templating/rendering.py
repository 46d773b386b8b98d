"""The handle on the process that renders: started when first needed, one for each process."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from lorid_data.errors import ConfigError

MODULE = "lorid_train.templating.worker"


def render(
    template: str,
    messages: Sequence[Mapping[str, str]],
    *,
    add_generation_prompt: bool,
    names: Mapping[str, Any],
) -> str:
    """The text that a chat template makes of messages, as transformers renders it.

    Args:
        template: Jinja.
        messages: role and content.
        add_generation_prompt: whether the text ends where an answer begins.
        names: what the template knows beside them: the special tokens, by name.

    Raises:
        ConfigError: the template fails, does not end, or multiplies what it is given.
    """
    order = {
        "template": template, "messages": [dict(m) for m in messages],
        "add_generation_prompt": add_generation_prompt, "names": dict(names),
    }  # fmt: skip
    answer = _worker.ask(json.dumps(order))
    if answer is None:
        answer = {"error": "does not end, or ends the process that renders it"}
    if "error" in answer:
        msg = f"the chat template {answer['error']}; use 'plain' or a named format"
        raise ConfigError(msg)
    return str(answer["text"])


class _Worker:
    """The process, and a lock: threads take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0

    def ask(self, line: str) -> dict[str, Any] | None:
        """The answer to one line; None where the process has ended over it."""
        with self._lock:
            process = self._running()
            try:
                _pipe(process.stdin).write(line + "\n")
                _pipe(process.stdin).flush()
                said = _pipe(process.stdout).readline()
            except BrokenPipeError:
                said = ""
            if not said.endswith("\n"):
                self.end()
                return None
            answer: dict[str, Any] = json.loads(said)
            return answer

    def _running(self) -> subprocess.Popen[str]:
        """The process, started if there is none; that of the parent of a fork is not ours.

        Raises:
            ConfigError: it does not start.
        """
        if self._process is not None and self._owner == os.getpid():
            return self._process
        path = os.pathsep.join(p for p in sys.path if p)
        self._owner = os.getpid()
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            [sys.executable, "-P", "-m", MODULE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}, start_new_session=True,
        )  # fmt: skip
        if _pipe(self._process.stdout).readline().strip() != '{"ready": true}':
            self.end()
            msg = "chat templates cannot be rendered: the process for it does not start; is transformers installed?"
            raise ConfigError(msg)
        return self._process

    def end(self) -> None:
        """Kill the process; the next line starts another."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            _pipe(pipe).close()
        process.wait()


def _pipe(pipe: Any) -> Any:
    assert pipe is not None
    return pipe


_worker = _Worker()
atexit.register(_worker.end)
os.register_at_fork(after_in_child=lambda: setattr(_worker, "_lock", threading.Lock()))
