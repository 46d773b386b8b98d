"""What the loop asks next, kept as draws come in, is what going through everything would give."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

import pytest

from lorid_data.schema import sha256_text
from lorid_train.interaction.draws import Draw, DrawKey
from lorid_train.interaction.loop import Loop
from lorid_train.solve.question import MemoryLog

IDS = [f"p{i}" for i in range(7)]
ROUNDS = 5


def draw(key: DrawKey) -> Draw:
    agrees = random.Random(str(key[0]) + str(key.round)).random() < 0.3
    answer = key.round if agrees or key.role == "ir" else 100 + key.round
    return Draw(
        **key._asdict(), text=f"--> {answer}", finish_reason="stop", n_prompt_tokens=1, n_tokens=1,
        prompt_sha256=sha256_text("x"),
    )  # fmt: skip


def askable(loop: Loop, asked: set[DrawKey], log: MemoryLog, p: str, r: int) -> Iterator[DrawKey]:
    for key in loop.keys_of(p, r):
        is_ready = key.role != "dr" or key._replace(role="kg") in log
        if is_ready and key not in asked and key not in log:
            yield key


def needed(loop: Loop, asked: set[DrawKey], log: MemoryLog, exhaustive: bool) -> list[DrawKey]:
    """By going through all open questions."""
    rounds = (
        [(r, p) for r in range(1, ROUNDS + 1) for p, now in loop._round.items() if r >= now]
        if exhaustive
        else [(now, p) for p, now in loop._round.items() if now <= ROUNDS]
    )
    return [k for r, p in rounds for k in askable(loop, asked, log, p, r)]


def later(loop: Loop, asked: set[DrawKey], log: MemoryLog) -> list[DrawKey]:
    rounds = sorted(
        ((r - now) / now, IDS.index(p), r)
        for p, now in loop._round.items()
        for r in range(now + 1, ROUNDS + 1)
    )
    return [k for _, i, r in rounds for k in askable(loop, asked, log, IDS[i], r)]


@pytest.mark.parametrize("exhaustive", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_it_is_what_going_through_everything_gives(seed: int, exhaustive: bool) -> None:
    rng, log = random.Random(seed), MemoryLog()
    if seed % 3 == 0:  # gone on with
        for r in (1, 2):
            for role in ("ir", "kg", "dr")[: 1 + seed % 2 * 2]:
                log.append(draw(DrawKey("p1", role, "sampled", 0, r)))
    loop = Loop(IDS, log, seed=0, rounds=ROUNDS, rule="same_round", exhaustive=exhaustive)
    asked: set[DrawKey] = set()
    n_steps = 0
    while not loop.is_decided:
        n_steps += 1
        for ahead in (False, True):
            want = later(loop, asked, log) if ahead else needed(loop, asked, log, exhaustive)
            if exhaustive and ahead:
                want = []
            n = rng.randrange(4)
            keys = loop.later_keys() if ahead else loop.next_keys()
            got = list(islice(keys, n))
            assert got == want[:n]
            for key in got:
                asked.add(key)
                loop.taken(key)
            del keys
        for key in rng.sample(sorted(asked), min(len(asked), rng.randrange(3))):
            asked.discard(key)
            made = draw(key)
            log.append(made)
            loop.seen(made)
    assert n_steps > 10
