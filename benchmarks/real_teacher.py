"""A real small model as a teacher: what of its replies can be kept, and what the audit says of them.

    LORID_TEST_DATA=DIR python benchmarks/real_teacher.py [--rows 50] [--rungs schema tool json_object prompt] [--out DIR]

SmolLM2-135M-Instruct (`make models/smollm2-135m`, or --model) is served by `transformers serve`
(`pip install 'transformers[serving]'`) on this machine and asked for the knowledge of word problems
of LLM-Adapters' training file, once for each way to ask for structure. `--url http://127.0.0.1:PORT/v1`
asks a server that runs already, such as `vllm serve MODEL --host 127.0.0.1`, which makes a model
keep to a schema where the other does not. The same problems with the recorded teacher's knowledge
stand beside it. Run again, it goes on where it stopped. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))

import word_problems
from real_model_data import LICENCE, in_hash_order
from real_model_table import audits, table_markdown

from lorid_data import pipeline
from lorid_data.audit.stage import AuditOptions, audit
from lorid_data.build.stage import BuildOptions, build
from lorid_data.errors import LoridError
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records
from lorid_data.teachers.backend import RUNGS, Rung, Unsupported
from lorid_data.teachers.server import ServerBackend

START_S = 300.0


def problems(data: Path | None, out: Path, n: int) -> Path:
    """A table of `n` problems that validate and have recorded knowledge, in the order of hashes."""
    tables = word_problems.write_tables(word_problems.fetch(data, out / "files"), out / "tables")
    build(BuildOptions(source=str(tables["train"]), teacher="recorded"), out / "all")
    pipeline.validate(out / "all", out / "valid")
    rows = in_hash_order([r for r in read_records(out / "valid") if r.knowledge])[:n]
    table = out / "problems.jsonl"
    body = [{"question": r.question, "rationale": r.rationale, "answer": r.answer} for r in rows]
    table.write_text("".join(json.dumps(b) + "\n" for b in body), encoding="utf-8")
    return table


@contextmanager
def served(log: Path) -> Iterator[str]:
    """A `transformers serve` on a free port of this machine; its base URL."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = "from transformers.cli.transformers import main; main()"
    command = [sys.executable, "-c", program, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]  # fmt: skip
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, env={**os.environ, "HF_HUB_OFFLINE": "1"}, stdout=out, stderr=out
        )
    try:
        end = time.monotonic() + START_S
        while True:
            if server.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"transformers serve did not start: see {log}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                    break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def asked(table: Path, model: Path, url: str, rung: Rung, args: argparse.Namespace) -> Path:
    """The folder that a build writes when structure is asked for in this one way."""
    ServerBackend.rungs = (rung,)
    out: Path = args.out / rung
    teacher = f"server:{model}@{url}"
    options = BuildOptions(
        source=str(table), teacher=teacher, max_tokens=args.max_tokens, concurrency=args.concurrency
    )
    build(options, out)
    return out


def audited(folder: Path) -> Path:
    """Audit a folder if it kept rows; the folder."""
    with_rows = read_manifest(folder).n_kept
    if with_rows:
        audit(folder, AuditOptions())
    return folder


def said(folder: Path) -> list[str | int]:
    manifest = read_manifest(folder)
    why = ", ".join(f"{n} {reason}" for reason, n in manifest.n_rejected.items()) or "–"
    return [folder.name, manifest.n_in, manifest.n_kept, why]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/smollm2-135m"))
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--rungs", nargs="+", choices=RUNGS, default=list(RUNGS))
    parser.add_argument("--max-tokens", type=int, default=192)
    parser.add_argument("--url", help="a server that runs already, instead of transformers serve")
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/real-teacher"))
    args = parser.parse_args()
    data = os.environ.get("LORID_TEST_DATA")
    table = problems(Path(data) if data else None, args.out, args.rows)
    recorded = args.out / "recorded"
    try:
        build(BuildOptions(source=str(table), teacher="recorded"), recorded)
        folders = {"recorded": audited(recorded)}
        with nullcontext(args.url) if args.url else served(args.out / "serve.log") as url:
            for rung in args.rungs:
                try:
                    made = asked(table, args.model.resolve(), url, rung, args)
                except Unsupported as e:
                    print(f"{rung}: not understood by this server ({e})", flush=True)
                    continue
                folders[rung] = audited(made)
                print(*said(made), flush=True)
    except LoridError as e:
        raise SystemExit(str(e)) from None
    print("| asked by | rows | kept | rejected |\n| --- | --- | --- | --- |")
    for folder in folders.values():
        print("|", " | ".join(map(str, said(folder))), "|")
    print(f"\n{table_markdown(audits(folders))}")
    kept = {name: read_manifest(f).n_kept / args.rows for name, f in folders.items()}
    print(json.dumps({"benchmark": "real_teacher", "ratios": {k: round(v, 3) for k, v in kept.items()}, "settings": {"rows": args.rows, "max_tokens": args.max_tokens, "licence": LICENCE}}))  # fmt: skip


if __name__ == "__main__":
    main()
