"""How many pairs of real answers a second are compared, by `lorid_data.answers.equal` and by Math-Verify.

    LORID_TEST_DATA=… python benchmarks/answers.py [--pairs 1500] [--seed 0]

Both see the same pairs, in the same run and in turns: each gold answer of MATH's test split against
itself in another spelling, and against the next one; each gold answer of GSM8K's test split against
the answer of another row and against itself with a unit. Math-Verify parses both texts, as its users
do, with its time limits off, which is faster than with them. Then both answer the case book of the
tests, which was written for this project and which `equal` passes. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from lorid_data.answers import Verdict, equal
from lorid_data.answers.read import read
from lorid_data.texts.latex import last_boxed

Pair = tuple[str, str]


def math_golds(data: Path) -> list[str]:
    import polars as pl

    files = sorted((data / "EleutherAI" / "hendrycks_math").glob("*/test-*.parquet"))
    solutions = [s for f in files for s in pl.read_parquet(f)["solution"]]
    return sorted({g for s in solutions if (g := last_boxed(s))})


def gsm8k_golds(data: Path) -> list[str]:
    import polars as pl

    table = pl.read_parquet(next((data / "openai" / "gsm8k" / "main").glob("test-*.parquet")))
    return [a.rpartition("####")[2].strip() for a in table["answer"]]


def respelled(answer: str) -> str:
    """The same answer as another writer may type it."""
    other = answer.replace(r"\frac", r"\dfrac").replace("(", r"\left( ").replace(")", r" \right)")
    return f"${other}$"


def pairs_of(data: Path, n_pairs: int, seed: int) -> dict[str, list[Pair]]:
    rng = random.Random(seed)
    math, gsm8k = math_golds(data), gsm8k_golds(data)
    rng.shuffle(math)
    rng.shuffle(gsm8k)
    math, gsm8k = math[:n_pairs], gsm8k[:n_pairs]
    return {
        "math_same": [(g, respelled(g)) for g in math],
        "math_other": list(zip(math, math[1:] + math[:1], strict=True)),
        "gsm8k_same": [(g, f"{g} clips") for g in gsm8k],
        "gsm8k_other": list(zip(gsm8k, gsm8k[1:] + gsm8k[:1], strict=True)),
    }


def ours(a: str, b: str) -> bool:
    return equal(a, b) is Verdict.EQUAL


def theirs(a: str, b: str) -> bool:
    from math_verify import parse, verify

    first, second = (parse(rf"\boxed{{{x.strip('$')}}}", parsing_timeout=None) for x in (a, b))
    return bool(verify(first, second, timeout_seconds=None))


def timed(compare: Callable[[str, str], bool], pairs: list[Pair]) -> tuple[float, list[bool]]:
    start = time.perf_counter()
    verdicts = [compare(a, b) for a, b in pairs]
    return time.perf_counter() - start, verdicts


def case_book() -> None:
    """How many verdicts of the case book each of the two gives; Math-Verify in the order of the book."""
    book = Path(__file__).parent.parent / "tests" / "golden" / "answers_equality.jsonl"
    cases = [json.loads(line) for line in book.read_text("utf-8").splitlines()]
    for name, compare in (("ours", ours), ("math-verify", theirs)):
        right = [compare(c["a"], c["b"]) == (c["verdict"] == "equal") for c in cases]
        apart = [r for r, c in zip(right, cases, strict=True) if c["verdict"] == "different"]
        print(
            f"case book    {name:11} {sum(right)} of {len(right)} right, {sum(apart)} of {len(apart)} different told apart"
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pairs", type=int, default=1500)
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    folder = os.environ.get("LORID_TEST_DATA")
    if not folder:
        sys.exit(
            "LORID_TEST_DATA is not set: it names the folder with openai/gsm8k and EleutherAI/hendrycks_math"
        )
    logging.disable(logging.WARNING)
    (
        ours(r"\int_0^1 x dx", "1/2"),
        theirs("1", "2"),
    )  # both have loaded their libraries before the clock starts
    ratios, seconds, n_all = {}, {"ours": 0.0, "math_verify": 0.0}, 0
    for name, pairs in pairs_of(Path(folder), options.pairs, options.seed).items():
        read.cache_clear()  # no answer is known from the set before
        s_ours, v_ours = timed(ours, pairs)
        s_theirs, v_theirs = timed(theirs, pairs)
        n_all += len(pairs)
        seconds["ours"] += s_ours
        seconds["math_verify"] += s_theirs
        ratios[name] = s_theirs / s_ours
        agreed = sum(a == b for a, b in zip(v_ours, v_theirs, strict=True))
        print(
            f"{name:12} {len(pairs):5} pairs  ours {len(pairs) / s_ours:8.0f}/s  math-verify {len(pairs) / s_theirs:7.0f}/s"
            f"  equal: ours {sum(v_ours)}, math-verify {sum(v_theirs)}; same verdict {agreed}"
        )
    case_book()
    ratios["all_pairs_per_s_over_math_verify"] = seconds["math_verify"] / seconds["ours"]
    print(
        json.dumps(
            {
                "benchmark": "answers",
                "ratios": {k: round(v, 2) for k, v in ratios.items()},
                "settings": {"n_pairs": n_all, "seed": options.seed},
            }
        )
    )


if __name__ == "__main__":
    main()
