"""Hostile programs: none gets out, none hangs, none fills this process, and the next program is right."""

from __future__ import annotations

import gc
import os
import socket
import time
from pathlib import Path

import pytest

from lorid_data.execution.executed import Executed, Limits, Status
from lorid_data.execution.sandbox import GRACE_S, Sandbox
from tests.support.hostile_programs import CANARY, HOSTILE

pytest.importorskip("pydantic_monty", reason="the extra `code` is not installed")
LIMITS = Limits(seconds=0.3)
NOTHING = ("refused", "[]", "['main.py']", "['']")
"""Answers of a program that looked, and was shown nothing of the machine."""
MOST_S = 3.0
MOST_BYTES = 50 << 20


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Executed]:
    """Every hostile program, run beside a file that none may read and none may change."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "secret.txt").write_text(CANARY)
    before, here = os.environ.get("LORID_CANARY"), Path.cwd()
    os.environ["LORID_CANARY"] = CANARY
    os.chdir(folder)
    try:
        with Sandbox(LIMITS) as sandbox:
            results = {
                n: sandbox.run(p.replace("{folder}", str(folder))) for n, p in HOSTILE.items()
            }
            for i in range(200):
                assert sandbox.run(f"answer = {i} * 3").answer == str(3 * i)
    finally:
        os.chdir(here)
        os.environ.pop("LORID_CANARY") if before is None else None
    assert [p.name for p in folder.iterdir()] == ["secret.txt"]
    assert (folder / "secret.txt").read_text() == CANARY
    return results


def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 60
    assert len(set(HOSTILE.values())) == len(HOSTILE)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_program_learns_and_changes_nothing(name: str, ran: dict[str, Executed]) -> None:
    done = ran[name]
    for text in (done.answer or "", done.output, done.error):
        assert CANARY not in text
        assert "root:" not in text
        if not name.startswith("output"):  # they count, and may come to that number
            assert str(os.getpid()) not in text.split()
    if name.startswith(
        ("files", "network", "environment", "subprocess", "import", "frames", "threads")
    ):
        assert done.answer in (None, *NOTHING), done


@pytest.mark.parametrize("name", [n for n in HOSTILE if n.startswith(("loop", "memory", "recursion", "power"))])  # fmt: skip
def test_what_has_no_end_runs_into_a_limit(name: str, ran: dict[str, Executed]) -> None:
    assert ran[name].status in tuple(s for s in Status if s is not Status.OK)
    assert ran[name].answer is None


@pytest.mark.parametrize("name", HOSTILE)
def test_no_program_outlives_its_limits(name: str, ran: dict[str, Executed]) -> None:
    """The executor's own clock: its time, the same once more for the answer, and the grace of each."""
    most_s = 2 * (LIMITS.seconds + 2 * GRACE_S)
    assert ran[name].ms / 1000 < max(most_s, MOST_S)


@pytest.mark.slow
def test_this_process_does_not_grow() -> None:
    """Under the default limits, each program on its own; what it brings here at most is one heap of it."""
    import psutil

    me = psutil.Process()
    with Sandbox() as sandbox:
        for i in range(500):
            sandbox.run(f"answer = {i}")
        gc.collect()
        start = me.memory_info().rss
        for program in HOSTILE.values():
            sandbox.run(program)
            gc.collect()
            assert me.memory_info().rss - start < MOST_BYTES, program


@pytest.mark.slow
def test_ten_thousand_programs_after_them_are_right() -> None:
    with Sandbox(LIMITS, workers=2) as sandbox:
        list(sandbox.run_all(HOSTILE.values()))
        answers = [d.answer for d in sandbox.run_all(f"a = {i} + 1\nanswer = a * 2" for i in range(10_000))]  # fmt: skip
    assert answers == [str(2 * (i + 1)) for i in range(10_000)]


def test_a_program_cannot_reach_a_listening_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Sandbox(LIMITS) as sandbox:
        port = server.getsockname()[1]
        server.settimeout(0.5)
        done = sandbox.run(
            f"import socket\ns = socket.create_connection(('127.0.0.1', {port}))\nanswer = 1"
        )
        assert done.answer is None
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_worker_that_ran_into_a_limit_is_gone() -> None:
    import psutil

    others = set(psutil.Process().children())  # of earlier tests in this process
    with Sandbox(LIMITS) as sandbox:
        assert sandbox.run("answer = 1").answer == "1"
        [before] = set(psutil.Process().children()) - others
        assert sandbox.run("while True: pass").status is Status.LIMIT
        deadline = time.monotonic() + 30
        while before.is_running() and before.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert sandbox.run("answer = 2").answer == "2"
