"""The interaction loop over many servers, in simulated time: how busy its lazy schedule keeps them.

    python benchmarks/many_servers.py [--servers 8] [--slots 256] [--questions 1319] [--rounds 20]

The schedule and the choice of the server are the project's own code, at work; simulated are the
servers (`support/simulated_servers.py`) and the texts: lengths are lognormal, longer where a
question is seldom agreed on, and IR and DR agree in a round with a probability of the question's
own. So 1,319 questions times 20 rounds take a minute and no GPU. Compared:

* as it is; a server that dies in the middle and comes back; a server of half the speed;
* nothing drawn ahead: a question's next round begins when the one before is known;
* foreseen: exactly the draws that turn out to be needed, all known beforehand: no schedule is faster;
* in flight as many as one server takes, whatever their number.

Busy is the share of the slots of the servers that are there, over the time until the tail: the
moment from which all draws that could still be wanted, needed or not, are fewer than the slots. Every
setting must come to the same decisions from the same draws. The last line is JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from support.simulated_servers import Event, SimulatedServers

from lorid_data.schema import Question
from lorid_train.engines.base import Sampling
from lorid_train.interaction.draws import Decision, Draw, DrawKey
from lorid_train.interaction.loop import Asker, Loop, Wanted
from lorid_train.interaction.rules import decide, up_to_stop

SEED = 0
LONGEST = 1024
MEDIAN_TOKENS = {"ir": 140, "kg": 90, "dr": 160}
SPREAD = 0.45


def number(*parts: object) -> float:
    """A number in [0, 1) that follows from what it is of."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


@cache
def agreement(problem_id: str) -> float:
    """How probable it is that a question's IR and DR agree in a round: much for most, little for some."""
    return random.Random(problem_id).betavariate(0.7, 0.8)


@cache
def n_tokens(key: DrawKey) -> int:
    """Tokens of a draw's text."""
    z = random.Random(str(tuple(key))).gauss(0.0, SPREAD)
    harder = 1.5 - agreement(key.problem_id)
    return max(8, min(LONGEST, round(MEDIAN_TOKENS[key.role] * harder * math.exp(z))))


def text(key: DrawKey) -> str:
    """What a role says: its round's answer, the same as the other's where they agree."""
    if key.role == "kg":
        return "Add the numbers."
    agrees = number("agrees", key.problem_id, key.round) < agreement(key.problem_id)
    return f"--> {key.round if agrees or key.role == 'ir' else 1000 + key.round}"


class MemoryLog:
    """Draws by key."""

    def __init__(self) -> None:
        self.draws: dict[DrawKey, Draw] = {}

    def append(self, draw: Draw) -> None:
        """Keep a draw; it must be new."""
        assert draw.key not in self.draws, "a draw was made twice"
        self.draws[draw.key] = draw

    def __contains__(self, key: DrawKey) -> bool:
        return key in self.draws

    def __getitem__(self, key: DrawKey) -> Draw:
        return self.draws[key]

    def __len__(self) -> int:
        return len(self.draws)


class NothingAhead(Loop):
    """Only what is needed now."""

    def later_keys(self) -> Iterator[DrawKey]:
        """None."""
        yield from ()


@dataclass
class Watch:
    """What a setting made of its servers."""

    wanted_left: Any
    slots: int
    busy_s: float = 0.0
    there_s: float = 0.0
    whole_busy_s: float = 0.0
    whole_there_s: float = 0.0
    tail_at_s: float | None = None
    time_s: float = field(default=0.0)

    def stretch(self, seconds: float, busy: int, there: int) -> None:
        """Take note of a stretch of time."""
        if self.tail_at_s is None and self.wanted_left() < self.slots:
            self.tail_at_s = self.time_s
        self.time_s += seconds
        self.whole_busy_s += seconds * busy
        self.whole_there_s += seconds * there
        if self.tail_at_s is None:
            self.busy_s += seconds * busy
            self.there_s += seconds * there


def possible(loop: Any, n_rounds: int) -> int:
    """How many draws could still be wanted."""
    if not isinstance(loop, Loop):
        return len(loop._keys) if isinstance(loop, Wanted) else 0
    return sum(3 * (n_rounds - r + 1) for r in loop._round.values())


def run(args: argparse.Namespace, name: str, loop_kind: Any = Loop, **how: Any) -> dict[str, Any]:
    """One setting: its figures, with its decisions and what they rest on."""
    ids = [f"{i:04d}" for i in range(args.questions)]
    log = MemoryLog()
    n_servers = how.pop("servers", args.servers)
    slots = n_servers * args.slots
    if loop_kind is Wanted:
        loop: Any = Wanted(how.pop("keys"), log)
    else:
        loop = loop_kind(ids, log, seed=SEED, rounds=args.rounds, rule="same_round")
    watch = Watch(lambda: possible(loop, args.rounds), slots)
    engine = SimulatedServers(
        n_servers, args.slots, batch_size=how.pop("batch_size", slots), on_time=watch.stretch,
        tokens_of=lambda r: n_tokens(r.key), text_of=lambda r: text(r.key), **how,
    )  # fmt: skip
    asker = Asker(engine, log, {i: Question(i, f"Question {i}?") for i in ids}, Sampling(1.5, 0.9, 50, LONGEST))  # fmt: skip
    start = time.process_time()
    asker.draw(loop)
    cpu_s = time.process_time() - start
    used = up_to_stop(log.draws, ids, SEED, rule="same_round", rounds=args.rounds)
    needed = sum(len(v) for v in used.values())
    decisions: dict[str, Decision] = {
        p: decide(d, rule="same_round", rounds=args.rounds, fallback="ir") for p, d in used.items()
    }
    figures = {
        "time_s": round(watch.time_s, 1), "busy": round(watch.busy_s / max(watch.there_s, 1e-9), 4),
        "busy_with_tail": round(watch.whole_busy_s / watch.whole_there_s, 4),
        "tail_s": round(watch.time_s - (watch.tail_at_s or watch.time_s), 1),
        "drawn": len(log), "needed": needed, "moved": engine.n_moved, "cpu_ms_per_draw": round(1e3 * cpu_s / len(log), 3),
    }  # fmt: skip
    print(f"{name}: {figures}", file=sys.stderr, flush=True)
    keys = {d.key for draws in used.values() for d in draws}
    return {"figures": figures, "decisions": decisions, "keys": keys}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--servers", type=int, default=8)
    parser.add_argument("--slots", type=int, default=256)
    parser.add_argument("--questions", type=int, default=1319)
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    first = run(args, "as it is")
    third = first["figures"]["time_s"] / 3
    settings: dict[str, dict[str, Any]] = {
        "one server": {"servers": 1},
        "one dies and comes back": {"events": [Event(third, 1, is_alive=False), Event(2 * third, 1, is_alive=True)]},
        "one at half speed": {"speeds": [0.5] + [1.0] * (args.servers - 1)},
        "in flight as for one server": {"batch_size": args.slots},
        "nothing ahead": {"loop_kind": NothingAhead},
        "foreseen": {"loop_kind": Wanted, "keys": sorted(first["keys"], key=lambda k: (k.round, k.problem_id, "ir kg dr".index(k.role)))},
    }  # fmt: skip
    found = {"as it is": first} | {name: run(args, name, **how) for name, how in settings.items()}
    same = all(f["decisions"] == first["decisions"] and f["keys"] == first["keys"] for f in found.values())  # fmt: skip
    figures = {name: f["figures"] for name, f in found.items()}
    whole = figures["as it is"]["time_s"]
    ratios = {
        "busy_until_the_tail": figures["as it is"]["busy"],
        "busy_with_one_dead": figures["one dies and comes back"]["busy"],
        "busy_with_one_slow": figures["one at half speed"]["busy"],
        "foreseen_over_ours": figures["foreseen"]["time_s"] / whole,
        "nothing_ahead_over_ours": figures["nothing ahead"]["time_s"] / whole,
        "window_of_one_over_ours": figures["in flight as for one server"]["time_s"] / whole,
        "one_server_over_ours": figures["one server"]["time_s"] / whole,
        "same_decisions_and_draws": float(same),
    }
    print(json.dumps({"benchmark": "many_servers", "ratios": {k: round(v, 4) for k, v in ratios.items()}, "settings": {**vars(args), "rows": figures}}))  # fmt: skip
    if not same:
        sys.exit("the settings did not come to the same decisions from the same draws")


if __name__ == "__main__":
    main()
