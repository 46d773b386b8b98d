"""Programs in the sandbox: what comes back, and what never does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lorid_data.errors import ConfigError
from lorid_data.execution import sandbox as sandbox_module
from lorid_data.execution.executed import Limits, Status
from lorid_data.execution.sandbox import Sandbox

pytest.importorskip("pydantic_monty", reason="the extra `code` is not installed")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=2) as it:
        yield it


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        ("answer = 48 + 48 / 2", "72"),
        ("answer = 0.1 + 0.2", "0.3"),
        ("answer = 2 / 3", "0.666666666667"),
        ("answer = 10 ** 15 / 1", "1000000000000000"),
        ("answer = -0.0", "0"),
        ("answer = 10 ** 40", "1" + 40 * "0"),
        ("from decimal import Decimal\nanswer = Decimal('1') / 3", "0.333333333333"),
        ("answer = '3/4'", "3/4"),
        ("import math\nanswer = math.floor(7.9)", "7"),
        ("def f(x):\n    return x * 2\nanswer = f(21)", "42"),
        ("import datetime\nd = datetime.date\nanswer = (d(2020, 3, 1) - d(2020, 2, 1)).days", "29"),
        ("answer = 5  # the value is not 6", "5"),
    ],
)
def test_a_program_gives_its_answer(sandbox: Sandbox, program: str, answer: str) -> None:
    done = sandbox.run(program)
    assert (done.status, done.answer, done.error) == (Status.OK, answer, "")
    assert done.ms > 0


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("answer = (", Status.UNPARSABLE),
        ("The answer is 5.", Status.UNPARSABLE),
        ("", Status.NO_ANSWER),
        ("total = 5", Status.NO_ANSWER),
        ("answer = True", Status.NO_ANSWER),
        ("answer = [1, 2]", Status.NO_ANSWER),
        ("answer = float('nan')", Status.NO_ANSWER),
        ("answer = None", Status.NO_ANSWER),
        ("answer = ''", Status.NO_ANSWER),
        ("answer = 10 ** 600", Status.NO_ANSWER),
        ("answer = 1 / 0", Status.ERROR),
        ("answer = apples", Status.ERROR),
        ("import random\nanswer = random.random()", Status.ERROR),
        ("import time\nanswer = time.time()", Status.ERROR),
        ("answer = 1\x00", Status.UNPARSABLE),
        ("answer = '\ud800'", Status.UNPARSABLE),
        ("answer = 1" + " " * 60_000, Status.LIMIT),
    ],
)
def test_what_goes_wrong_is_no_answer(sandbox: Sandbox, program: str, status: Status) -> None:
    done = sandbox.run(program)
    assert (done.status, done.answer) == (status, None)


def test_nothing_of_a_program_is_left_for_the_next(sandbox: Sandbox) -> None:
    assert sandbox.run("answer = 5\nx = 7\nimport math\nmath.pi = 3").status is not Status.LIMIT
    assert sandbox.run("answer = x").status is Status.ERROR
    assert sandbox.run("y = 1").status is Status.NO_ANSWER
    assert sandbox.run("import math\nanswer = math.pi").answer == "3.14159265359"


def test_a_program_cannot_put_another_reader_in_place(sandbox: Sandbox) -> None:
    shadow = "def repr(x): return '9'\ndef str(x): return '9'\nanswer = 4"
    assert sandbox.run(shadow).answer == "4"


def test_output_is_kept_up_to_its_limit(sandbox: Sandbox) -> None:
    done = sandbox.run("print('half:', 24)\nanswer = 72")
    assert (done.output, done.answer) == ("half: 24\n", "72")
    with Sandbox(Limits(output_bytes=10)) as small:
        done = small.run("print('é' * 50)\nanswer = 72")
    assert (done.status, done.output, done.error) == (Status.LIMIT, "é" * 5, "wrote too much")


def test_many_programs_come_back_in_their_order(sandbox: Sandbox) -> None:
    programs = [f"answer = {i} * 2" if i % 7 else "answer = (" for i in range(600)]
    answers = [done.answer for done in sandbox.run_all(programs)]
    assert answers == [str(2 * i) if i % 7 else None for i in range(600)]


def test_an_error_is_one_line_that_moves_no_cursor(sandbox: Sandbox) -> None:
    done = sandbox.run("raise ValueError('a\\nb\\x1b[2J' + 'c' * 10_000)")
    assert "\n" not in done.error
    assert "\x1b" not in done.error
    assert len(done.error) <= 200


def test_a_bug_of_the_sandbox_fails_the_program_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicError(BaseException):
        """As PyO3 raises one: no Exception."""

    def panic(*_: object) -> None:
        raise PanicError("index out of bounds")

    with Sandbox() as it:
        with monkeypatch.context() as m:
            m.setattr(sandbox_module, "_fed", panic)
            done = it.run("answer = 1")
        assert (done.status, done.answer, done.error) == (
            Status.CRASHED, None, "index out of bounds",
        )  # fmt: skip
        assert it.run("answer = 2").answer == "2"


def test_a_killed_worker_is_replaced(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    fed = sandbox_module._fed

    def killed(session: object, program: str, output: object) -> object:
        sandbox_module._kill(session)
        return fed(session, program, output)  # type: ignore[arg-type]

    with monkeypatch.context() as m:
        m.setattr(sandbox_module, "_fed", killed)
        assert sandbox.run("answer = 1").status is Status.CRASHED
    assert sandbox.run("answer = 2").answer == "2"


def test_without_the_sandbox_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_module, "DISTRIBUTION", "no-such-distribution")
    with pytest.raises(ConfigError, match=r"pip install 'lorid\[code\]'"):
        Sandbox()


def test_nothing_is_started_before_the_first_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object) -> None:
        raise AssertionError("started")

    monkeypatch.setattr(sandbox_module, "_start", start)
    with Sandbox() as it:
        assert it.sandbox.startswith("pydantic-monty ")
