"""A provider that sends anything at all: no hang, no lost row, nothing paid beyond the cap, nothing twice.

By default some of the replies are tried; LORID_HOSTILE_REPLIES=1000 tries so many.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lorid_data.build import stage as build_stage
from lorid_data.cli.app import main
from lorid_data.folders.manifests import read_manifest
from lorid_data.http.retrying import RetryPolicy
from lorid_data.schema import problem_id
from lorid_data.teachers.remote import RemoteTeacher
from lorid_data.testing.fake_teacher import FakeTeacher, Fault

ROWS = 5
N_REPLIES = int(os.environ.get("LORID_HOSTILE_REPLIES", "100"))
HALF = st.text(st.characters(codec=None), max_size=6)
TEXT = st.one_of(
    HALF,
    st.sampled_from([
        '{"output": ["Add."]}', '{"output": ["a\ud83d"]}', r'{"output": ["a \times \t b"]}', "[" * 5000, "",
        '{"output": []}', "<think>x", "</think>{}", "```json\n{}\n```", '{"output": ["\\u0000"]}', "null",
    ]),
)  # fmt: skip
NUMBER = st.one_of(st.integers(0, 50), st.integers(), st.floats(), st.sampled_from([10**20, -1, True, None, "5"]))  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda x: st.lists(x, max_size=3) | st.dictionaries(HALF, x, max_size=3),
    max_leaves=8,
)
USAGE = st.one_of(
    ANY,
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "cache_read_input_tokens"), NUMBER),
            "prompt_tokens_details": st.one_of(ANY, st.fixed_dictionaries({"cached_tokens": NUMBER})),
            "completion_tokens_details": st.one_of(ANY, st.fixed_dictionaries({"reasoning_tokens": NUMBER})),
        },
    ),
)  # fmt: skip
FINISH = st.one_of(st.sampled_from(["stop", "length", "content_filter", "error", "tool_calls", "end_turn", "refusal"]), ANY)  # fmt: skip
CONTENT = st.one_of(TEXT, ANY, st.builds(lambda t: [{"type": "text", "text": t}], TEXT))
CHAT = st.builds(
    lambda c, f, u, m, more: {"choices": [{"message": {"content": c, **more}, "finish_reason": f}], "usage": u, "model": m},
    CONTENT, FINISH, USAGE, TEXT, st.dictionaries(st.sampled_from(["tool_calls", "refusal", "reasoning_content", "error"]), ANY, max_size=2),
)  # fmt: skip
MESSAGE = st.builds(
    lambda c, f, u, m: {"content": c, "stop_reason": f, "usage": u, "model": m},
    st.one_of(ANY, st.builds(lambda t: [{"type": "text", "text": t}], TEXT)), FINISH, USAGE, TEXT,
)  # fmt: skip
ERROR = st.builds(
    lambda c, m: {"error": {"code": c, "message": m, "type": c}}, st.one_of(st.integers(395, 600), ANY), ANY
)  # fmt: skip
BODY = st.one_of(
    st.binary(max_size=40),
    st.one_of(CHAT, MESSAGE, ERROR, ANY).map(lambda b: json.dumps(b).replace("NaN", "1e999").encode()),
)  # fmt: skip
VALUE = st.one_of(st.sampled_from(["0", "0.01", "-1", "nan", "1e309", "3600", "1e-9", "Thu, 01 Jan 2026 00:00:00 GMT", "x"]), st.text("0123456789.eT:-+ ms", min_size=1, max_size=12))  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from([
        "Retry-After", "retry-after-ms", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests", "x-ratelimit-limit-tokens", "anthropic-ratelimit-input-tokens-limit",
    ]),
    VALUE, max_size=3,
)  # fmt: skip
STATUS = st.one_of(st.just(200), st.just(200), st.sampled_from([201, 204, 302, 400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 529]))  # fmt: skip
FAULT = st.builds(
    lambda s, b, h: Fault("body", status=s, payload=b"" if s == 204 else b, headers=h), STATUS, BODY, HEADERS
)  # fmt: skip


def run(arguments: list[str]) -> int | None:
    """The exit status of a command, or None where it takes longer than 10 s."""
    ended: list[int] = []
    thread = threading.Thread(target=lambda: ended.append(main(arguments)), daemon=True)
    thread.start()
    thread.join(10)
    return ended[0] if ended else None


@pytest.mark.parametrize(("spec", "share"), [("server:fake@{url}", 0.6), ("openai:gpt-4o", 0.2), ("anthropic:claude-haiku-4-5", 0.2)])  # fmt: skip
def test_any_replies_leave_every_row_accounted_for(
    monkeypatch: pytest.MonkeyPatch, spec: str, share: float
) -> None:
    opened = build_stage.open_teacher
    teachers: list[RemoteTeacher] = []

    def quick(name: str, options: Any) -> Any:
        teacher = opened(name, options)
        assert isinstance(teacher, RemoteTeacher)
        teacher.policy = RetryPolicy(attempts=2, deadline_s=0.5, base_s=0.005)
        teachers.append(teacher)
        return teacher

    monkeypatch.setattr(build_stage, "open_teacher", quick)
    with FakeTeacher() as fake, TemporaryDirectory() as folder:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        table, prices = Path(folder) / "t.jsonl", Path(folder) / "prices.yaml"
        rows = [{"question": f"question {i}", "answer": "1"} for i in range(ROWS)]
        table.write_text("\n".join(map(json.dumps, rows)))
        prices.write_text("server: {models: {fake: {input: 2, output: 10, cached_input: 1}}}")
        argv = ["build", str(table), "--teacher", spec.format(url=fake.url), "--prices", str(prices)]  # fmt: skip
        argv += ["--budget", "1", "--concurrency", "1"]

        @settings(
            max_examples=max(1, round(N_REPLIES * share / ROWS)),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(FAULT, min_size=ROWS, max_size=ROWS))
        def check(faults: list[Fault]) -> None:
            with TemporaryDirectory(dir=folder) as out:
                of = {f"question {i}\n": f for i, f in enumerate(faults)}
                fake.faults = lambda _, prompt: next(f for q, f in of.items() if q in prompt)
                fake.seen.clear()
                first = run([*argv, "--out", f"{out}/o"])
                assert first in (0, 1), "it ends, and by an exit status"
                is_done = (Path(out) / "o" / "manifest.json").is_file()
                if is_done:
                    manifest = read_manifest(Path(out) / "o")
                    assert manifest.n_kept + sum(manifest.n_rejected.values()) == ROWS
                with closing(sqlite3.connect(f"{out}/o/journal.sqlite")) as c:
                    costs = [x for (x,) in c.execute("SELECT cost_usd FROM attempts")]
                    stored = {
                        k
                        for (k,) in c.execute(
                            "SELECT problem_id FROM replies WHERE finish_reason != 'length'"
                        )
                    }
                assert all(cost is None or cost >= 0 for cost in costs)
                booked = [cost or 0.0 for cost in costs]
                assert sum(booked) <= 1 + max(booked, default=0.0) + 1e-9
                assert teachers[-1].budget.spent_usd == pytest.approx(sum(booked))
                # Once more: what was stored is not asked again.
                fake.seen.clear()
                fake.faults = ()
                assert run([*argv, "--out", f"{out}/o"]) in (0, 1)
                again = [i for i in range(ROWS) if any(f"question {i}\n" in s.prompt for s in fake.seen)]  # fmt: skip
                assert not {problem_id(f"question {i}") for i in again} & stored

        check()
