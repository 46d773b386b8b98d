"""The worker process: hostile input, threads, asyncio, forks, kills, and that no text is ever run."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lorid_data.answers import Verdict, equal, extract, key, prepare
from lorid_data.answers.verifier import Verifier, verifier

ROOT = Path(__file__).parents[4]
HARD = (r"\sum_{k=1}^{3} k", "6")  # quick, but only for the worker
ENDLESS = (r"\int_0^1 x^{10^8} dx", "7")

HOSTILE = {
    "tower of **": "9**9**9**9", "tower of ^": "9^{9^{9^{9}}}", "large factorial": "100000000!", "two factorials": "((9!)!)!",
    "nested braces": "{" * 10_000 + "}" * 10_000, "nested brackets": "(" * 10_000 + "1" + ")" * 10_000,
    "spaces": " " * 20_000, "spaces inside": "1" + " " * 20_000 + "2", "open text": r"\text{" * 2000, "points": "1." * 5000,
    "long sum": "1+" * 5000 + "1", "nested roots": r"\sqrt{" * 500 + "2" + "}" * 500, "digits": "9" * 5000,
    "signs": "-" * 3000 + "1", "functions": r"\sin " * 500 + "x", "binomial": r"\binom{10^9}{5\cdot 10^8}",
    "large power": "(x+1)^{1000}", "large sum": r"\sum_{n=1}^{10^9} n", "integral": ENDLESS[0], "integrals": r"\int" * 500,
    "matrix": r"\begin{pmatrix}" + r"\\".join(["&".join("1" * 25)] * 25) + r"\end{pmatrix}", "surrogate": "\ud800",
    "commas": "," * 4000, "equations": "x=" * 1500 + "1", "nul": "\x00", "power tower of brackets": "5^(5^(5^(5^5)))",
    "divided by zero": "1/0", "continued": r"\frac{1}{" * 39 + "2" + "}" * 39, "bars": "|" * 1000,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _started() -> None:
    prepare()


@pytest.fixture
def own_worker() -> Iterator[Verifier]:
    worker = Verifier()
    yield worker
    worker.stop()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_get_a_verdict(name: str) -> None:
    text = HOSTILE[name]
    found = equal(text, "7")
    assert found == equal("7", text)
    assert found is not Verdict.EQUAL
    assert equal(text, text) is Verdict.EQUAL
    key(text)


def test_an_endless_comparison_is_stopped_and_the_next_one_works() -> None:
    assert equal(*ENDLESS) is Verdict.TIMEOUT
    assert equal(*HARD) is Verdict.EQUAL


@pytest.mark.parametrize("kept", ["a", "b"])
def test_no_text_is_run(kept: str, tmp_path: Path, own_worker: Verifier) -> None:
    marker = tmp_path / "marker"
    for payload in (
        f'__import__("pathlib").Path("{marker}").touch()',
        f'__import__("os").system("touch {marker}")',
        f'open("{marker}","w")',
        f'exec("import os; os.mkdir(\\"{marker}\\")")',
        rf"\text{{__import__('os').mkdir('{marker}')}}",
        f'[x for x in [open("{marker}","w")]]+\\sin x',
    ):
        pair = (payload, r"\sin x") if kept == "a" else (r"\sin x", payload)
        assert equal(*pair) is not Verdict.EQUAL
        assert own_worker.ask(*pair) is not Verdict.EQUAL
        extract(f"--> {payload} END", last_number=True)
    assert not marker.exists()


def test_the_worker_itself_is_symmetric_and_says_what_it_cannot_parse() -> None:
    worker = verifier()
    assert worker.ask(*HARD) == worker.ask(*reversed(HARD)) == Verdict.EQUAL
    assert worker.ask(r"\sin x", "2") is Verdict.DIFFERENT
    assert worker.ask(r"\frac{1", "2") is Verdict.UNPARSED


def test_works_from_many_threads() -> None:
    pairs = [(rf"\sum_{{k=1}}^{{{n}}} k", str(n * (n + 1) // 2)) for n in range(3, 15)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda p: equal(*p), pairs)) == {Verdict.EQUAL}


def test_works_under_asyncio() -> None:
    async def ask() -> list[Verdict]:
        tasks = [
            asyncio.to_thread(equal, rf"\sum_{{k=1}}^{{{n}}} k", str(n * (n + 1) // 2))
            for n in range(4, 9)
        ]
        return [equal(*HARD), *await asyncio.gather(*tasks)]

    assert set(asyncio.run(ask())) == {Verdict.EQUAL}


def test_a_killed_worker_is_replaced(own_worker: Verifier) -> None:
    worker = own_worker
    assert worker.ask(*HARD) is Verdict.EQUAL
    assert worker._process is not None
    old = worker._process.pid
    os.kill(old, 9)
    worker._process.wait()
    worker.ask(r"\cos x", "x")
    assert worker.ask(r"\sum_{k=1}^{4} k", "10") is Verdict.EQUAL
    assert worker._process.pid != old


def test_a_question_never_waits_longer_than_it_was_given(own_worker: Verifier) -> None:
    assert own_worker.ask(*HARD, 0.01) is Verdict.TIMEOUT  # still loading its libraries …
    assert own_worker._process is not None
    started = own_worker._process.pid
    assert own_worker.ask(*HARD) is Verdict.EQUAL  # … which it goes on with
    assert own_worker._process.pid == started
    with own_worker._lock:  # another thread is asking
        assert own_worker.ask("x", r"\sin x", 0.01) is Verdict.TIMEOUT
    assert own_worker.ask("x", r"\sin x") is Verdict.DIFFERENT


def test_a_cold_start_does_not_use_up_the_time_of_a_pair(tmp_path: Path) -> None:
    slow = tmp_path / "python"
    slow.write_text(f'#!/bin/sh\nsleep 2\nexec {sys.executable} "$@"\n')
    slow.chmod(0o755)
    code = (
        f"import sys; sys.executable = {str(slow)!r}\n"
        "from lorid_data.answers import equal\n"
        r"a, b = r'\sum_{k=1}^{3} k', '6'" + "\n"
        "print(equal(a, b), equal(b, a))"
    )
    assert _run("-c", code).stdout.split() == ["equal", "equal"]


def test_verdicts_are_remembered(own_worker: Verifier) -> None:
    worker = own_worker
    assert worker.ask(*HARD) is Verdict.EQUAL
    worker.stop()
    worker._start = None  # type: ignore[assignment,method-assign]  (a second process would need it)
    assert worker.ask(*reversed(HARD)) is Verdict.EQUAL


SCRIPT = """
import os, sys
from lorid_data.answers import Verdict, equal, prepare
prepare()
assert equal(r"\\sum_{k=1}^{3} k", "6") is Verdict.EQUAL
child = os.fork()
if child == 0:
    # A worker of its own: the parent's must not be shared.
    from lorid_data.answers import verifier
    assert verifier._verifier._process is None
    prepare()
    assert equal(r"\\sum_{k=1}^{4} k", "10") is Verdict.EQUAL
    print("child", verifier._verifier._process.pid, flush=True)
    sys.exit(0)
status = os.waitpid(child, 0)[1]
assert equal(r"\\sum_{k=1}^{5} k", "15") is Verdict.EQUAL
from lorid_data.answers import verifier
print("parent", verifier._verifier._process.pid, status, flush=True)
"""


def _run(*command: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-W", "error", *command],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        **options,
    )


def test_a_script_without_a_guard_may_fork_and_leaves_no_process(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = _run("-W", "ignore::DeprecationWarning", str(script), cwd=tmp_path)
    assert done.stderr == ""
    child, parent = (line.split() for line in done.stdout.splitlines())
    assert parent[2] == "0"
    pids = [int(child[1]), int(parent[1])]
    assert pids[0] != pids[1]
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{p}").exists() for p in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{p}").exists() for p in pids)


def test_the_worker_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys; from lorid_data.answers import equal, prepare, verifier\n"
        r"prepare(); equal(r'\sum_{k=1}^{3} k', '6'); print(verifier._verifier._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    pid = int(_run("-c", code).stdout)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_importing_loads_neither_the_libraries_nor_a_process() -> None:
    code = (
        "import sys, lorid_data.answers as a; a.extract('#### 7'); a.equal('7', '7.0'); a.official_equal('5', '500')\n"
        "from lorid_data.answers import verifier\n"
        "print([m for m in ('sympy', 'math_verify', 'polars', 'pydantic', 'torch') if m in sys.modules], verifier._verifier)"
    )
    assert _run("-c", code).stdout.split("\n")[0] == "[] None"


def test_a_modest_memory_limit_holds_in_the_child() -> None:
    code = (
        "import os, lorid_data.answers.worker as w, json\n"
        "w.verdict = lambda a, b: str(len(bytearray(3 << 30)))\n"
        "child = w.Child()\n"
        "print(child.ask(json.dumps({'a': 'x', 'b': 'y'}).encode() + b'\\n', 20.0).decode())\n"
        "child.end()"
    )
    assert '"unparsed"' in _run("-c", code).stdout
