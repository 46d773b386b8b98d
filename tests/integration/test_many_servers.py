"""An evaluation over several server processes of which some are killed: nothing is lost, nothing is made twice."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lorid_data.errors import StageError
from lorid_data.http.retrying import RetryPolicy
from lorid_train.engines import server
from lorid_train.evaluation import servers
from lorid_train.evaluation.evaluate import evaluate

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
support = runpy.run_path(str(Path(__file__).parents[1] / "support" / "served_evaluation.py"))
SERVE = """
import sys, time
from lorid_data.testing.fake_vllm import FakeVllm
with FakeVllm(port=int(sys.argv[1]), latency_s=float(sys.argv[2])) as server:
    print(server.port, flush=True)
    while True:
        time.sleep(0.02)
        print(len(server.seen), flush=True)
"""
QUICK = RetryPolicy(attempts=4, base_s=0.05, most_s=0.1)


class ServerProcess:
    """A fake vLLM in a process of its own, which can be killed for real and started again."""

    def __init__(self, latency_s: float) -> None:
        self.latency_s, self.port, self.n_asked = latency_s, 0, 0
        self.start()

    def start(self) -> None:
        """Start it, on the port that it had if it had one."""
        command = [sys.executable, "-c", SERVE, str(self.port), str(self.latency_s)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self._listening = threading.Thread(target=self._listen, args=(self.process.stdout,))
        self._listening.start()

    def _listen(self, out: Any) -> None:
        self.n_asked = 0
        with out:
            for line in out:
                self.n_asked = int(line)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        self._listening.join()


@pytest.fixture
def three() -> Iterator[list[ServerProcess]]:
    made = [ServerProcess(0.03) for _ in range(3)]
    yield made
    for one in made:
        one.kill()


@pytest.fixture
def world(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(server, "REST_S", 0.3)
    monkeypatch.setattr(servers, "ServerEngine", partial(server.ServerEngine, policy=QUICK))
    data = support["dataset"](tmp_path / "data", support["questions"](40))
    return SimpleNamespace(run=support["make_run"](tiny_base, tmp_path / "run"), data=data)


def begin(world: Any, out: Path, *at: ServerProcess) -> None:
    evaluate(support["config"](world.run, world.data, out, *at, rounds=8, batch_size=24))


def lines(out: Path) -> list[dict[str, Any]]:
    path = out / "draws.jsonl"
    whole = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
    return [json.loads(line) for line in whole]


def when(n: int, out: Path, do: Callable[[], None]) -> threading.Thread:
    """Do something when an evaluation has made so many draws."""

    def wait() -> None:
        give_up = time.monotonic() + 60
        while len(lines(out)) < n and time.monotonic() < give_up:
            time.sleep(0.01)
        do()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def same_results(a: Path, b: Path) -> bool:
    return all((a / f).read_bytes() == (b / f).read_bytes() for f in ("metrics.json", "outcomes.parquet"))  # fmt: skip


def test_one_is_killed_and_comes_back(
    world: Any, three: list[ServerProcess], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(world, tmp_path / "one", three[0])
    capsys.readouterr()
    lost, out = three[1], tmp_path / "three"

    def die_and_return() -> None:
        lost.kill()
        assert lost.n_asked > 0
        time.sleep(0.5)
        lost.start()

    happened = when(60, out, die_and_return)
    begin(world, out, *three)
    happened.join()
    keys = Counter(
        (d["problem_id"], d["role"], d["condition"], d["seed"], d["round"]) for d in lines(out)
    )
    assert set(keys.values()) == {1}
    assert same_results(out, tmp_path / "one")
    said = [line for line in capsys.readouterr().err.splitlines() if lost.url in line]
    assert len(said) == 2, said
    assert said[0].endswith("its share of the work goes to the others")
    assert said[1] == f"{lost.url}: answers again"
    time.sleep(0.1)
    assert lost.n_asked > 1, "it is used again, and not for one request alone"


def test_all_are_killed_and_the_run_goes_on_later(
    world: Any, three: list[ServerProcess], tmp_path: Path
) -> None:
    begin(world, tmp_path / "one", three[0])
    out = tmp_path / "three"

    def die() -> None:
        for one in three:
            one.kill()

    happened = when(60, out, die)
    with pytest.raises(StageError, match=r"^no server answered after 4 attempts: .*run the same command again$") as e:  # fmt: skip
        begin(world, out, *three)
    assert "\n" not in str(e.value)
    happened.join()
    n_before = len(lines(out))
    assert n_before >= 60
    three[2].start()
    begin(world, out, *three)  # two of them are still not there
    made = lines(out)
    assert len(made) > n_before
    assert len({(d["problem_id"], d["role"], d["condition"], d["round"]) for d in made}) == len(
        made
    )
    assert same_results(out, tmp_path / "one")


def test_one_that_is_not_there_at_first_is_named_once_and_used_later(
    world: Any, three: list[ServerProcess], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late, out = three[2], tmp_path / "out"
    late.kill()
    happened = when(60, out, late.start)
    begin(world, out, *three)
    happened.join()
    said = [line for line in capsys.readouterr().err.splitlines() if late.url in line]
    assert [line.endswith("goes to the others") for line in said] == [True, False]
    assert said[1] == f"{late.url}: answers again"


def test_every_server_gets_as_much_as_it_takes_unless_told_otherwise(
    world: Any, three: list[ServerProcess], tmp_path: Path
) -> None:
    config = support["config"](world.run, world.data, tmp_path / "out", *three, batch_size=None)
    from lorid_train.models import adapters

    opened = adapters.open_adapters(config.adapters, None)
    engine = servers.engine_factory(config, ("ir", "kg", "dr"))(config, opened)
    assert engine.batch_size == 3 * servers.PER_SERVER
