"""What `decontaminate` says on a terminal of a finished folder."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lorid_data.contamination.matches import MatchKind
from lorid_data.errors import InputError
from lorid_data.folders.verified import verify_file
from lorid_data.schema import Manifest
from lorid_data.texts.counting import count

MATCHES = "matches.parquet"
_AT_ONCE = 1 << 12


def shown(out: Path, limit: int = 10) -> list[str]:
    """The strongest matches of a finished folder, a line per question, for a terminal."""
    order = {rule.value: i for i, rule in enumerate(MatchKind)}
    n, best = 0, list[tuple[tuple[int, float, int], dict[str, Any]]]()
    for rows in _more_than_similar(out / MATCHES):
        ranked = [((order[m["rule"]], -m["alike"], n + i), m) for i, m in enumerate(rows)]
        best = heapq.nsmallest(limit, best + ranked)
        n += len(rows)
    lines = []
    for _, m in best:
        lines += [
            f"{m['rule']}: {m['alike']:.2f} alike, numbers {m['numbers']}, answers {m['answers']} ({m['against']})",
            f"  dataset  {m['problem_id'][:8]}  {_plain(m['question'])}",
            f"  test     {m['test_problem_id'][:8]}  {_plain(m['test_question'])}",
        ]
    if n > limit:
        lines.append(f"… {n - limit:,} more: {out / MATCHES}")
    return lines


def _more_than_similar(path: Path) -> Iterator[list[dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    verify_file(path)
    try:
        with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=_AT_ONCE, use_threads=False):
                mask = pc.not_equal(batch["rule"], MatchKind.SIMILAR.value)
                yield batch.filter(mask).to_pylist()
    except (pa.ArrowException, OSError) as e:
        raise InputError(f"{path}: not a readable file of matches ({e})") from e


def described(manifest: Manifest) -> list[str]:
    """What was compared with each test set, and what others would have counted, a line each."""
    lines = []
    for found in manifest.figures["against"]:
        runs = found["n_sharing_words"]
        rules = ", ".join(f"{n:,} {rule}" for rule, n in found["n_questions_by_rule"].items() if n)
        lines += [
            f"{found['name']}: {count(found['n_pairs_compared'], 'pair')} compared; questions: {rules or 'none alike'}",
            "  for comparison, questions that share a run of words with a test question: "
            f"8 words as open-r1 {runs['open_r1_8']['questions']:,}, 13 words as GPT-3 "
            f"{runs['gpt3_13']['questions']:,}; rules of knowledge, 8 words: {runs['knowledge_8']['questions']:,}",
        ]
    return lines


def _plain(text: str) -> str:
    """One line without what a terminal would obey."""
    line = " ".join(text.split())
    line = "".join(c if c.isprintable() else "\ufffd" for c in line)
    return line if len(line) <= 160 else line[:159] + "…"
