"""The process that renders chat templates: `python -m lorid_train.templating.worker`.

It reads lines of JSON, {"template", "messages", "add_generation_prompt", "names"}, and answers each
with one line, {"text"} or {"error"}. The kernel ends it where one rendering takes longer than
`CPU_S` seconds of CPU time; beyond `MEMORY_BYTES` it says that there is no memory.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

CPU_S = 1.0
"""CPU time of one rendering. Real templates take a millisecond."""
MEMORY_BYTES = 1 << 29
"""Address space beyond what the libraries take."""
SPARE_CHARS, MOST_TIMES = 1 << 18, 20
"""A text may be longer than its messages by so many characters, and by such a factor."""
READY = {"ready": True}


def main() -> None:
    """Serve until standard input closes."""
    from transformers.utils.chat_template_utils import render_jinja_template

    _bound_memory()
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)  # which ends the process
    channel = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # nothing else is said where the answers are read
    _say(channel, READY)
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_VIRTUAL, CPU_S)
        answer = _answer(json.loads(line), render_jinja_template)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        _say(channel, answer)


def _answer(order: dict[str, Any], render: Any) -> dict[str, Any]:
    try:
        [[text], _] = render(
            conversations=[order["messages"]],
            chat_template=order["template"],
            add_generation_prompt=order["add_generation_prompt"],
            **order["names"],
        )
    except MemoryError:
        return {"error": "takes more memory than a prompt may"}
    except RecursionError:
        return {"error": "calls itself without end"}
    except Exception as e:  # noqa: BLE001  (the template is a program, and may raise anything)
        return {"error": f"cannot be rendered ({type(e).__name__}: {str(e)[:300]})"}
    given = sum(len(str(m.get("content"))) for m in order["messages"])
    if len(text) > SPARE_CHARS + MOST_TIMES * given:
        return {"error": f"makes {len(text):,} characters of {given:,}"}
    return {"text": text}


def _bound_memory() -> None:
    with suppress(OSError, ValueError):  # a system without /proc, or with a lower limit
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _say(channel: Any, body: dict[str, Any]) -> None:
    channel.write(json.dumps(body) + "\n")
    channel.flush()


if __name__ == "__main__":
    main()
