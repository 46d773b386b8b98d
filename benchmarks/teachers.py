"""Asking a teacher: throughput against its ceiling, CPU, rate limits, replay, memory.

    python benchmarks/teachers.py [--requests 5120] [--parts throughput limits replay memory]

Every figure is measured against a server of fixed latency on 127.0.0.1, in a process of its own,
through the whole path: limits, request, journal. The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from lorid_data import prompts
from lorid_data.asking.journal import open_journal, replied, replies_in
from lorid_data.asking.online import ask_all
from lorid_data.commandline.progress import Progress
from lorid_data.schema import make_problem
from lorid_data.teachers.base import TeacherRequest, make_reply, make_request
from lorid_data.teachers.registry import AskOptions, open_teacher
from lorid_data.teachers.remote import RemoteTeacher

LATENCY_S, WIDTH = 0.5, 256
N_JOURNAL = 100_000
SERVE = """
import sys, json
from lorid_data.testing.fake_teacher import FakeTeacher, Limit
make = json.loads(sys.argv[1])
if make.get("limit"):
    make["limit"] = Limit(**make["limit"])
with FakeTeacher(keep_requests=False, **make) as teacher:
    print(json.dumps(teacher.environment), flush=True)
    sys.stdin.read()
"""
Ratios = dict[str, float]


@contextmanager
def serving(**make: Any) -> Iterator[str]:
    """A fake teacher in a process of its own; its URL."""
    command = [sys.executable, "-c", SERVE, json.dumps(make)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    environment = json.loads(process.stdout.readline())
    os.environ.update(environment)
    try:
        yield environment["OPENAI_BASE_URL"]
    finally:
        process.communicate("")


def requests_for(teacher: RemoteTeacher, n: int) -> list[tuple[str, TeacherRequest]]:
    prompt, system = prompts.load("teacher/knowledge.v1"), prompts.load("teacher/system.v1")
    texts = ((f"Question {i}: " + "how many are there? " * 10, "so " * 40) for i in range(n))
    problems = (make_problem(source="s", split="t", question=q, rationale=r, answer="1") for q, r in texts)  # fmt: skip
    made = (make_request(p, teacher=teacher, prompt=prompt, system=system, position=0) for p in problems)  # fmt: skip
    return [(r.key, r) for r in made]


def ask(spec: str, n: int, width: int) -> tuple[float, float, RemoteTeacher]:
    """Seconds and seconds of CPU from the first request to the last acknowledged answer."""
    teacher = open_teacher(spec, AskOptions(concurrency=width))
    assert isinstance(teacher, RemoteTeacher)
    todo = requests_for(teacher, n)
    with tempfile.TemporaryDirectory() as folder, open_journal(Path(folder) / "j") as journal:
        with Progress("ask", n) as progress:
            start, cpu = time.perf_counter(), time.process_time()
            answers = ask_all(todo, teacher, journal, width, progress)
            wall_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
        assert len(answers) == n == journal.n_attempts() - teacher.n_failed_attempts
    return wall_s, cpu_s, teacher


def throughput(n: int) -> tuple[Ratios, dict[str, Any]]:
    """Our backends, the plain SDK with gather, and a loop that asks one question at a time."""
    ceiling = WIDTH / LATENCY_S
    ratios: Ratios = {}
    figures: dict[str, Any] = {}
    with serving(latency_s=LATENCY_S) as url:
        for name, spec, count in (("server", f"server:m@{url}", n), ("openai_sdk", "openai:gpt-4o", n)):  # fmt: skip
            wall_s, cpu_s, _ = ask(spec, count, WIDTH)
            ratios[f"{name}_over_ceiling"] = count / wall_s / ceiling
            figures[f"{name}_cpu_ms"] = round(1000 * cpu_s / count, 3)
        wall_s, cpu_s = asyncio.run(bare_loop(url, n))
        ratios["bare_aiohttp_over_ceiling"] = n / wall_s / ceiling
        ratios["server_over_bare_aiohttp"] = ratios["server_over_ceiling"] / (n / wall_s / ceiling)
        figures["bare_aiohttp_cpu_ms"] = round(1000 * cpu_s / n, 3)
        ratios["server_cpu_over_bare_aiohttp"] = figures["server_cpu_ms"] * n / 1000 / cpu_s
        wall_s, cpu_s = asyncio.run(plain_sdk(n))
        ratios["plain_sdk_gather_over_ceiling"] = n / wall_s / ceiling
        figures["plain_sdk_gather_cpu_ms"] = round(1000 * cpu_s / n, 3)
        ratios["sequential_over_ceiling"] = sequential(8) / ceiling
    ratios["server_cpu_over_half_ms"] = figures["server_cpu_ms"] / 0.5
    return ratios, figures


async def bare_loop(url: str, n: int) -> tuple[float, float]:
    """The least that asking over HTTP costs here: aiohttp, a fixed body, nothing kept."""
    import aiohttp

    text = prompts.load("teacher/knowledge.v1").text + "how many are there? " * 20
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
    todo = iter(range(n))

    async def work(session: aiohttp.ClientSession) -> None:
        for _ in todo:
            async with session.post(f"{url}/chat/completions", data=body) as reply:
                json.loads(await reply.read())

    connector = aiohttp.TCPConnector(limit=0)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        start, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(work(session) for _ in range(WIDTH)))
        return time.perf_counter() - start, time.process_time() - cpu


async def plain_sdk(n: int) -> tuple[float, float]:
    """`AsyncOpenAI` as it comes, with as many requests in flight."""
    from openai import AsyncOpenAI

    client, gate = AsyncOpenAI(), asyncio.Semaphore(WIDTH)
    text = prompts.load("teacher/knowledge.v1").text

    async def one(i: int) -> None:
        async with gate:
            await client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": f"{text}{i}"}]
            )

    await one(-1)  # loads what the client loads late
    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(i) for i in range(n)))
    used = time.perf_counter() - start, time.process_time() - cpu
    await client.close()
    return used


def sequential(n: int) -> float:
    """Requests per second of one at a time, as the official code asks."""
    from openai import OpenAI

    start = time.perf_counter()
    with OpenAI() as client:
        for i in range(n):
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": f"{i}"}]
            )
    return n / (time.perf_counter() - start)


def limits(_: int) -> tuple[Ratios, dict[str, Any]]:
    """10 requests/s, stated in the headers or not: what of it is used, and what is refused."""
    ratios: Ratios = {}
    for name, stated in (("stated", True), ("unstated", False)):
        with serving(latency_s=0.2, limit={"per_s": 10, "burst": 10, "stated": stated}) as url:
            teacher = open_teacher(f"server:m@{url}", AskOptions(concurrency=64))
            assert isinstance(teacher, RemoteTeacher)
            good, bad = asyncio.run(under_limit(teacher, 250))
            begin = good[0] + 5.0  # after warm-up
            warm_good = [t for t in good if t > begin]
            warm_bad = [t for t in bad if t > begin]
            ratios[f"{name}_limit_used"] = len(warm_good) / (good[-1] - begin) / 10
            ratios[f"{name}_limit_refused"] = len(warm_bad) / (len(warm_bad) + len(warm_good))
    return ratios, {}


async def under_limit(teacher: RemoteTeacher, n: int) -> tuple[list[float], list[float]]:
    """When each reply came, and each refusal."""
    good: list[float] = []
    bad: list[float] = []

    async def refused(_: object) -> None:
        bad.append(time.monotonic())

    async def one(request: TeacherRequest) -> None:
        await teacher.ask(request)
        good.append(time.monotonic())

    teacher.on_failed_attempt = refused
    await asyncio.gather(*(one(r) for _, r in requests_for(teacher, n)))
    await teacher.close()
    return sorted(good), sorted(bad)


def replay(_: int) -> tuple[Ratios, dict[str, Any]]:
    """Opening and reading a journal of 100,000 replies, beside plain sqlite3."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j.sqlite"
        keys = asyncio.run(fill(path))
        start = time.perf_counter()
        with open_journal(path):
            open_s = time.perf_counter() - start

        def plain() -> None:
            with closing(sqlite3.connect(path)) as c:
                rows = c.execute("SELECT * FROM replies ORDER BY id").fetchall()
            assert len(rows) == N_JOURNAL

        ours_s = best(lambda: replies_in(path, keys))
        plain_s = best(plain)
    return (
        {"replay_over_plain_sqlite": ours_s / plain_s, "open_over_1s": open_s},
        {"n_rows": N_JOURNAL, "rows_per_s": round(N_JOURNAL / ours_s)},
    )


async def fill(path: Path) -> list[str]:
    request = TeacherRequest(
        problem_id="p", prompt_id="i", prompt_sha256="s", teacher="server", model="m", messages=()
    )
    reply = make_reply(request, "x" * 1500, n_input_tokens=1, n_output_tokens=2, cost_usd=0.001)
    replies = [reply.model_copy(update={"request_key": f"{i:064x}"}) for i in range(N_JOURNAL)]
    with open_journal(path) as journal:
        for i in range(0, N_JOURNAL, 2000):
            await asyncio.gather(*(journal.append(replied(r)) for r in replies[i : i + 2000]))
    return [r.request_key for r in replies]


def best(work: Callable[[], object], times: int = 3) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def memory(_: int) -> tuple[Ratios, dict[str, Any]]:
    """4,096 requests in flight in a fresh process."""
    command = [sys.executable, __file__, "--memory-child"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    return {"memory_4096_over_500mb": figures["peak_mb"] / 500}, figures


def memory_child() -> None:
    with serving(latency_s=2.0) as url:
        wall_s, _, teacher = ask(f"server:m@{url}", 3 * 4096, 4096)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    figures = {"peak_mb": round(peak_mb), "wall_s": round(wall_s, 1), "most_in_flight": teacher.gate.limits.most_in_flight}  # fmt: skip
    print(json.dumps(figures))


PARTS = {"throughput": throughput, "limits": limits, "replay": replay, "memory": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5120)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--memory-child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.memory_child:
        memory_child()
        return
    ratios: Ratios = {}
    settings: dict[str, Any] = {"n_requests": args.requests, "latency_s": LATENCY_S, "in_flight": WIDTH, "n_cores": os.cpu_count()}  # fmt: skip
    for part in args.parts:
        more, figures = PARTS[part](args.requests)
        ratios |= {k: round(v, 4) for k, v in more.items()}
        settings |= figures
    print(json.dumps({"benchmark": "teachers", "ratios": ratios, "settings": settings}))


if __name__ == "__main__":
    main()
