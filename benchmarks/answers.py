"""How many pairs of real answers a second are compared, by `lorid_data.answers.equal` and by Math-Verify.

    LORID_TEST_DATA=… python benchmarks/answers.py [--pairs 1500] [--seed 0] [--peers FOLDER]

Both see the same pairs, in the same run and in turns: each gold answer of MATH's test split against
itself in another spelling, and against the next one; each gold answer of GSM8K's test split against
the answer of another row and against itself with a unit. Math-Verify parses both texts, as its users
do, with its time limits off, which is faster than with them. Then both answer the case book of the
tests, which was written for this project and which `equal` passes. The last line is JSON.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import random
import subprocess
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


Judge = Callable[[str, str], bool]
BOOKS = (
    "answers_equality",
    "answers_heldout_equality",
    "answers_kinds_equality",
    "answers_languages",
    "answers_fresh_equality",
)


def lm_eval_judge(peers: Path) -> Judge:
    """`is_equiv` of lm-evaluation-harness's hendrycks_math task, which compares normalised strings."""
    file = next(peers.glob("lm_eval/tasks/hendrycks_math/utils.py"))
    spec = importlib.util.spec_from_file_location("hendrycks_math_utils", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda a, b: bool(module.is_equiv(b, a))


def lighteval_judge(_peers: Path) -> Judge:
    """Lighteval's extractive match: LaTeX and plain expressions, its first and its last extraction compared."""
    from lighteval.metrics.utils import extractive_match_utils as extractive
    from lighteval.metrics.utils.math_comparison import compare_gold_target
    from lighteval.tasks.requests import Doc
    from lighteval.utils.language import Language

    doc = Doc(query="", choices=[""], gold_index=0)
    targets = (extractive.LatexExtractionConfig(), extractive.ExprExtractionConfig())
    patterns = extractive.get_extraction_regexes(doc, targets, Language.ENGLISH)

    def judge(a: str, b: str) -> bool:
        gold, said = (
            extractive.extract_target_from_pred(f"${x.strip('$')}$", patterns, timeout_seconds=5)
            for x in (a, b)
        )
        return bool(gold and said and compare_gold_target(gold, said, 6))

    return judge


def case_books(judges: dict[str, Judge]) -> None:
    """How many verdicts of the case books each gives: equal or not, in the order of the book."""
    folder = Path(__file__).parent.parent / "tests" / "golden"
    for book in BOOKS:
        lines = (folder / f"{book}.jsonl").read_text("utf-8").splitlines()
        cases = [c for c in map(json.loads, lines) if "a" in c]
        for name, judge in judges.items():
            said = [_said(judge, c["a"], c["b"]) for c in cases]
            right = [v == (c["verdict"] == "equal") for v, c in zip(said, cases, strict=True)]
            apart = [r for r, c in zip(right, cases, strict=True) if c["verdict"] != "equal"]
            print(
                f"{book:26} {name:11} {sum(right)} of {len(right)} right, {sum(apart)} of {len(apart)} that differ told apart",
                flush=True,
            )


def ask_peers(peers: Path) -> None:
    """Each peer answers the case books in a process of its own: their versions of sympy's grammars exclude one another."""
    for name in PEERS:
        environment = {**os.environ, "PYTHONPATH": str(peers)}
        subprocess.run(
            [sys.executable, __file__, "--judge", name, "--peers", str(peers)],
            env=environment,
            check=False,
        )


def _said(judge: Judge, a: str, b: str) -> bool:
    try:
        return judge(a, b)
    except Exception:  # noqa: BLE001  (a peer that raises has not found them equal)
        return False


PEERS: dict[str, Callable[[Path], Judge]] = {"lm-eval": lm_eval_judge, "lighteval": lighteval_judge}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pairs", type=int, default=1500)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument(
        "--peers",
        type=Path,
        help="a site-packages folder with lm_eval and lighteval, for the case books",
    )
    arguments.add_argument(
        "--judge", choices=sorted(PEERS), help="that peer alone, on the case books alone"
    )
    options = arguments.parse_args()
    if options.judge is not None:
        logging.disable(logging.CRITICAL)
        case_books({options.judge: PEERS[options.judge](options.peers)})
        return
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
    case_books({"ours": ours, "math-verify": theirs})
    if options.peers is not None:
        ask_peers(options.peers)
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
