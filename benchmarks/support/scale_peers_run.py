"""One system of `scale_peers.py` in a process of its own: it reads the rows, writes what it keeps, and prints what it took."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any


def lorid(command: str, folder: Path, out: Path, tests: Path) -> None:
    """A command of lorid-data."""
    from lorid_data.cli.app import main as run

    argv = [command, str(folder), "--out", str(out), "--workers", "1"]
    if command == "decontaminate":
        argv += ["--against", "gsm8k", "--source-path", str(tests)]
    assert run(argv) == 0


def datatrove(folder: Path, out: Path, n_grams: int, bands: int, rows: int) -> None:
    """The four stages of its MinHash, as its example has them."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter

    config = MinhashConfig(n_grams=n_grams, num_buckets=bands, hashes_per_bucket=rows)
    reader = ParquetReader(str(folder), glob_pattern="records.parquet", text_key="question", id_key="row_id", read_metadata=False)  # fmt: skip
    at = {name: str(out / name) for name in ("sigs", "buckets", "remove", "logs")}
    stages: list[tuple[list[Any], int]] = [
        ([reader, MinhashDedupSignature(output_folder=at["sigs"], config=config, language=os.environ.get("DATATROVE_LANGUAGE", "eng"))], 1),
        ([MinhashDedupBuckets(input_folder=at["sigs"], output_folder=at["buckets"], config=config)], bands),
        ([MinhashDedupCluster(input_folder=at["buckets"], output_folder=at["remove"], config=config)], 1),
        ([reader, MinhashDedupFilter(input_folder=at["remove"]), ParquetWriter(str(out / "kept"))], 1),
    ]  # fmt: skip
    for i, (pipeline, tasks) in enumerate(stages):
        LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=1, logging_dir=f"{at['logs']}/{i}").run()  # fmt: skip


def text_dedup(folder: Path, out: Path, *options: str) -> None:
    """Its MinHash, by its own command line."""
    from text_dedup.minhash import main as run

    argv = ["--path", "parquet", "--data_files", str(folder / "records.parquet"), "--split", "train", "--column", "question"]  # fmt: skip
    argv += ["--output", str(out), "--cache_dir", f"{out}.cache", "--num_proc", "1", *options]
    run(argv, standalone_mode=False)


def janitor(folder: Path, out: Path, tests: Path) -> None:
    """A row stays if lm-eval's Janitor leaves its text as it is."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from lm_eval.decontamination.janitor import Janitor

    questions = pq.read_table(next((tests / "main").glob("test-*.parquet")))["question"].to_pylist()
    # A piece of any length stays, and nothing but the runs goes: what is asked is whether there is one.
    cleaner = Janitor(window_to_remove=0, minimum_slice_length=0)
    for question in questions:
        cleaner.register_contaminant_python(question)
    out.mkdir()
    table = pq.read_table(folder / "records.parquet")
    stays = [cleaner.clean_python(text) == [text] for text in table["question"].to_pylist()]
    pq.write_table(table.filter(pa.array(stays)), out / "records.parquet")


def datasets_map(folder: Path, out: Path) -> None:
    """Our checks of each row by `datasets.map`, and a filter."""
    import datasets

    from lorid_data.schema import Record
    from lorid_data.validate.stage import check_row

    rows = datasets.load_dataset("parquet", data_files=str(folder / "records.parquet"), split="train", cache_dir=f"{out}.cache")  # fmt: skip
    checked = rows.map(
        lambda row: {"passes": isinstance(check_row(Record.model_validate(row)), Record)}
    )
    checked.filter(lambda row: row["passes"]).to_parquet(str(out) + ".parquet")


def kept_ids(out: Path) -> list[str]:
    """The row ids of what was kept, in whatever form."""
    import pyarrow.parquet as pq

    single = Path(f"{out}.parquet")
    if (out / "dataset_info.json").is_file():
        import datasets

        return list(datasets.load_from_disk(str(out))["row_id"])
    files = [single] if single.is_file() else sorted((out / "kept").glob("*.parquet")) or [out / "records.parquet"]  # fmt: skip
    columns = "id" if (out / "kept").is_dir() else "row_id"
    return [i for f in files for i in pq.read_table(f, columns=[columns])[columns].to_pylist()]


def run(system: str, folder: Path, out: Path, tests: Path) -> None:
    """Run a system by its name."""
    match system:
        case "datatrove":
            datatrove(folder, out, 5, 14, 8)
        case "datatrove 2-grams":
            datatrove(folder, out, 2, 32, 4)
        case "text-dedup":
            text_dedup(folder, out)
        case "text-dedup 2-grams":
            text_dedup(folder, out, "--ngram", "2", "--num_perm", "128", "--threshold", "0.5")
        case "lm-eval Janitor":
            janitor(folder, out, tests)
        case "datasets.map":
            datasets_map(folder, out)
        case _:
            lorid(system.split()[1], folder, out, tests)


def main(system: str, folder: str, out: str, tests: str) -> None:
    """Run a system, and print as JSON what it took and the ids of the rows that it kept."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        run(system, Path(folder), Path(out), Path(tests))
    wall = time.perf_counter() - start
    own, others = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[0])
    cpu = sum(u.ru_utime + u.ru_stime for u in (own, others))
    peak_gib = max(peak, others.ru_maxrss) / 2**20
    print(json.dumps({"wall_s": wall, "cpu_s": cpu, "peak_gib": peak_gib, "kept": kept_ids(Path(out))}))  # fmt: skip
