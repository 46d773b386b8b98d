"""Evaluation end to end on a random tiny model: repeatable, resumable, independent of the batch."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lorid_data.commandline.program import run
from lorid_data.errors import ConfigError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, make_problem, row_ids
from lorid_train import cli
from lorid_train.config import EvalConfig, TrainConfig
from lorid_train.evaluation.evaluate import evaluate
from lorid_train.evaluation.trained_on import look
from lorid_train.interaction import rule_files
from lorid_train.models.adapters import folders_of
from lorid_train.report.headline import headline
from lorid_train.training import trained_on
from lorid_train.training.sft import train

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

LORA = {"r": 4, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": "all-linear"}
SFT = {
    "per_device_train_batch_size": 4, "gradient_accumulation_steps": 1, "max_steps": 60, "save_steps": 1000,
    "gradient_checkpointing": False, "learning_rate": 2e-2, "warmup_steps": 0, "lr_scheduler_type": "constant",
}  # fmt: skip


def write(folder: Path, n: int) -> Path:
    problems = [
        make_problem(
            source="t", split="test", question=f"{i}?", rationale="ok", answer=str(i % 2), subject="even" if i % 2 else "odd",
            knowledge=["K"],
        )
        for i in range(n)
    ]  # fmt: skip
    records = [
        Record(row_id=row, provenance=Provenance(teacher="source"), **p.model_dump())
        for row, p in zip(row_ids(problems), problems, strict=True)
    ]
    with open_stage(folder, "build", identity={"n": n}) as stage:
        write_dataset(stage, records, [], n_in=n)
    return folder


@pytest.fixture(scope="module")
def world(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Eight problems, and adapters that have half learnt to answer 0 or 1 at random."""
    root = tmp_path_factory.mktemp("world")
    data = write(root / "data", 8)
    train(
        TrainConfig(
            base=str(tiny_base), data=str(data), out=str(root / "run"), split=None, dtype="float32", max_tokens=512,
            threads=1, lora=LORA, sft=SFT,
        )
    )  # fmt: skip
    return {"data": data, "run": root / "run", "base": tiny_base}


def config(world: dict[str, Path], out: Path, **changes: Any) -> EvalConfig:
    values: dict[str, Any] = {
        "adapters": folders_of([str(world["run"])]), "dataset": str(world["data"]), "out": str(out), "rounds": 4,
        "temperature": 1.0, "top_p": 1.0, "top_k": 0, "max_new_tokens": 16, "threads": 1, "batch_size": 8,
        "allow_trained_questions": True,
    }  # fmt: skip
    return EvalConfig(**(values | changes))


@pytest.fixture(scope="module")
def done(world: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("eval") / "eval"
    evaluate(config(world, out))
    return out


def test_an_evaluation_folder_is_whole(done: Path) -> None:
    names = {p.name for p in done.iterdir()} - {".lock", ".time.json"}
    assert names == {
        "config.yaml", "draws.jsonl", "records.parquet", "outcomes.parquet", "metrics.json", "report.html", "report.md",
        "manifest.json", "rule.json", "trained_on.parquet", "training.json",
    }  # fmt: skip
    metrics = json.loads((done / "metrics.json").read_text())
    assert metrics["schema"] == 1
    systems = {m["system"] for m in metrics["metrics"]}
    assert {
        "ir-greedy",
        "ir-sampled",
        "dr-gold-knowledge",
        "dr-kg-knowledge",
        "lorid@1",
        "lorid@3",
        "lorid@4",
    } <= systems
    assert any(s.startswith("maj-ir@") for s in systems)
    outcomes = pl.read_parquet(done / "outcomes.parquet")
    assert outcomes.filter(pl.col("system") == "lorid@4").height == 8
    for text in ("draws.jsonl", "metrics.json"):
        assert str(done.parent) not in (done / text).read_text()


def test_the_same_seed_gives_the_same_numbers(
    done: Path, world: dict[str, Path], tmp_path: Path
) -> None:
    evaluate(config(world, tmp_path / "again"))
    assert sha256_file(tmp_path / "again/metrics.json") == sha256_file(done / "metrics.json")


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_batch_size_changes_nothing(
    done: Path, world: dict[str, Path], tmp_path: Path, batch_size: int
) -> None:
    out = tmp_path / "eval"
    evaluate(config(world, out, batch_size=batch_size))
    assert (out / "metrics.json").read_text() == (done / "metrics.json").read_text()
    assert pl.read_parquet(out / "outcomes.parquet").equals(
        pl.read_parquet(done / "outcomes.parquet")
    )


def test_another_seed_draws_other_texts(done: Path, world: dict[str, Path], tmp_path: Path) -> None:
    evaluate(config(world, tmp_path / "eval", seed=1))

    def texts(folder: Path) -> list[str]:
        rows = [json.loads(line) for line in (folder / "draws.jsonl").read_text().splitlines()]
        return [
            r["text"]
            for r in sorted(rows, key=lambda r: (r["problem_id"], r["round"]))
            if r["condition"] == "sampled"
        ]

    assert texts(tmp_path / "eval") != texts(done)


def command(world: dict[str, Path], out: Path) -> list[str]:
    return [
        sys.executable, "-m", "lorid_train", "evaluate", "--adapters", str(world["run"]), "--dataset", str(world["data"]),
        "--out", str(out), "--rounds", "4", "--temperature", "1.0", "--top-p", "1.0", "--top-k", "0",
        "--max-new-tokens", "16", "--threads", "1", "--batch-size", "2", "--allow-trained-questions",
    ]  # fmt: skip


def test_killed_and_resumed_draws_nothing_twice(
    done: Path, world: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "eval"
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        command(world, out), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    log = out / "draws.jsonl"
    while child.poll() is None and not (log.exists() and log.read_bytes().count(b"\n") >= 20):
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = log.read_bytes()
    assert not (out / "manifest.json").exists()
    subprocess.run(command(world, out), env=env, check=True, capture_output=True)
    lines = log.read_bytes().splitlines()
    assert log.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    keys = [
        tuple(json.loads(line)[k] for k in ("problem_id", "role", "condition", "round"))
        for line in lines
    ]
    assert len(set(keys)) == len(keys)
    assert (out / "metrics.json").read_text() == (done / "metrics.json").read_text()


def test_a_second_process_is_refused(world: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "eval"
    cfg = config(world, out)
    evaluate(cfg)
    (out / "manifest.json").unlink()
    from lorid_data.folders.files import locked

    with locked(out):
        result = subprocess.run(command(world, out), capture_output=True, text=True, check=False)
    assert result.returncode in (1, 2)
    assert "another" in result.stderr


def test_an_adapter_of_another_base_is_refused(world: dict[str, Path], tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    other = tmp_path / "other"
    shutil.copytree(world["base"], other)
    model = AutoModelForCausalLM.from_pretrained(other)
    model.model.norm.weight.data += 1
    model.save_pretrained(other)
    with pytest.raises(ConfigError, match="another base model"):
        evaluate(config(world, tmp_path / "eval", base=str(other)))
    assert not (tmp_path / "eval").exists()


def test_roles_in_the_wrong_place_are_refused(world: dict[str, Path], tmp_path: Path) -> None:
    folders = folders_of([str(world["run"])])
    swapped = {"ir": folders["dr"], "kg": folders["kg"], "dr": folders["ir"]}
    with pytest.raises(ConfigError, match="trained for the role 'dr', given as 'ir'"):
        evaluate(config(world, tmp_path / "eval", adapters=swapped))


def test_replay_decides_anew_without_a_model(
    done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "replayed.html"
    argv = [
        "report",
        str(done),
        "--out",
        str(out),
        "--replay",
        "rule=cumulative",
        "rounds=2",
        "fallback=none",
    ]
    assert cli.run(cli.app, argv) == 0
    metrics = json.loads(out.with_suffix(".json").read_text())["metrics"]
    assert "lorid@2" in {m["system"] for m in metrics}
    assert out.read_text().startswith("<!doctype html>")
    assert "warning" not in capsys.readouterr().err
    beyond = ["report", str(done), "--out", str(out), "--replay", "rounds=900"]
    assert cli.run(cli.app, beyond) == 0
    assert "no lorid@900: its draws are missing" in capsys.readouterr().err
    assert cli.run(cli.app, [*argv[:-1], "fallbak=none"]) == 2
    assert "did you mean 'fallback'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (["--dataset", "nowhere"], "nowhere: no such folder"),
        (["--adapters", "nowhere"], "no such folder"),
        (["--rule", "both"], "both"),
        (["--split", "dev"], "split 'dev'"),
    ],
)
def test_wrong_usage_exits_with_2_and_writes_nothing(
    world: dict[str, Path],
    tmp_path: Path,
    changes: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = command(world, tmp_path / "eval")[3:]
    if changes[0] in argv:
        argv[argv.index(changes[0]) + 1] = changes[1]
    else:
        argv += changes
    assert cli.run(cli.app, argv) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "eval").exists()


def test_a_solver_draws_what_the_evaluation_drew(world: dict[str, Path], done: Path) -> None:
    """One question at a time, in another batch: the same draws and the same answers."""
    import json as lines

    from lorid_data.folders.records import read_records
    from lorid_train import Solver
    from lorid_train.engines.base import Sampling

    drawn = {
        (d["problem_id"], d["role"], d["round"]): d["text"]
        for d in map(lines.loads, (done / "draws.jsonl").read_text().splitlines())
        if d["condition"] == "sampled"
    }
    solver = Solver.load(
        world["run"], rounds=4, threads=1, batch_size=3,
        sampling=Sampling(1.0, max_new_tokens=16),
    )  # fmt: skip
    outcomes = pl.read_parquet(done / "outcomes.parquet").filter(pl.col("system") == "lorid@4")
    answers = dict(zip(outcomes["problem_id"], outcomes["answer"], strict=True))
    for record in read_records(world["data"]):
        solution = solver.solve(record.question)
        assert solution.answer == answers[record.problem_id]
        for draw in solution.draws:
            assert drawn[draw.problem_id, draw.role, draw.round] == draw.text


# --- questions that were trained on -------------------------------------------------------------


def test_trained_questions_are_refused_with_nothing_written(
    world: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [
        "evaluate", "--adapters", str(world["run"]), "--dataset", str(world["data"]), "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    assert cli.run(cli.app, argv) == 2
    said = capsys.readouterr().err
    assert (
        "8 questions of the 8 evaluated were trained on (ir, kg, dr: 8 the same); the first is '0?'"
        in said
    )
    assert "--allow-trained-questions" in said
    assert not (tmp_path / "out").exists()


def test_trained_questions_stand_first_in_report_terminal_and_markdown(done: Path) -> None:
    said = "Trained on: 8 of the 8 questions were in the training data (ir, kg, dr: 8 the same)."
    page = (done / "report.html").read_text()
    at = page.index('<p class="trained" role="alert">')
    assert page[at:].startswith(f'<p class="trained" role="alert">{said}')
    assert at < page.index("<section")
    assert "color: var(--bad)" in page
    assert "How the adapters were trained" in page
    assert "Loss by step" in page
    assert headline(done).startswith(said)
    text = (done / "report.md").read_text()
    assert text.index(f"**{said}") < text.index("## ")


def test_near_copies_are_found_where_the_training_data_is_at_hand(
    world: dict[str, Path], tmp_path: Path
) -> None:
    """The runs's folder names its data; without it, hashes alone tell what is the same."""
    told = [
        ("Tom has 12 apples and buys 30 more. How many apples does Tom have?", "42"),
        ("Ann reads 15 pages a day for 4 days. How many pages does Ann read?", "60"),
    ]
    asked = [
        ("  tom HAS 12 apples and buys 30 more. How many apples does Tom have? ", "42"),
        ("Ann reads 15 pages a day for 4 days. How many pages did Ann read?", "60"),
        ("Ben plants 9 rows of 11 trees. How many trees does Ben plant?", "99"),
    ]
    data = dataset_of(tmp_path / "data", told)
    run = tmp_path / "run"
    with open_stage(
        run, "sft", settings={"data": str(data)},
        identity={"data_sha256": dict.fromkeys(("ir", "kg"), manifest_sha256(data)), "split": None, "limit": None},
    ) as stage:  # fmt: skip
        rows = trained_on.rows_of("ir", read_records(data), set())
        trained_on.write(stage.out, {"ir": rows, "kg": []})
        stage.finish(n_in=2, n_kept=2, n_rejected={})
    records = read_records(dataset_of(tmp_path / "asked", asked))
    folders = {
        "ir": run / "adapters" / "ir",
        "kg": run / "adapters" / "kg",
        "dr": tmp_path / "elsewhere",
    }
    looked = look(folders, records)
    assert {(f.role, f.problem_id): f.how for f in looked.found} == {
        ("ir", records[0].problem_id): "same", ("ir", records[1].problem_id): "same_words",
    }  # fmt: skip
    assert looked.unknown == ("dr",)
    assert looked.n_questions == 2
    shutil.rmtree(data)
    gone = look(folders, records)
    assert [(f.problem_id, f.how) for f in gone.found] == [(records[0].problem_id, "same")]
    assert gone.by_hash_only == ("ir", "kg")
    (run / "trained_on.parquet").unlink()
    assert look(folders, records).unknown == ("ir", "kg", "dr")


def dataset_of(folder: Path, asked: list[tuple[str, str]]) -> Path:
    problems = [
        make_problem(source="t", split="test", question=q, rationale="ok", answer=a)
        for q, a in asked
    ]
    records = [
        Record(row_id=row, provenance=Provenance(teacher="none"), **p.model_dump())
        for row, p in zip(row_ids(problems), problems, strict=True)
    ]
    with open_stage(folder, "build", identity={"asked": [q for q, _ in asked]}) as stage:
        write_dataset(stage, records, [], n_in=len(records))
    return folder


def test_a_run_keeps_what_each_role_was_trained_on(world: dict[str, Path]) -> None:
    rows = trained_on.read(world["run"])
    assert rows is not None
    assert {r.role for r in rows} == {"ir", "kg", "dr"}
    assert len(rows) == 3 * 8
    assert "trained_on.parquet" in json.loads((world["run"] / "manifest.json").read_text())["files"]


def test_the_weighed_rule_draws_roles_alone_whatever_the_batch(
    world: dict[str, Path], tmp_path: Path
) -> None:
    made = {}
    for size in (1, 8):
        out = tmp_path / str(size)
        evaluate(config(world, out, rule="weighed", batch_size=size))
        lines = (out / "draws.jsonl").read_text(encoding="utf-8").splitlines()
        made[size] = sorted(lines), (out / "metrics.json").read_bytes()
    assert made[1] == made[8]
    rows = pl.read_parquet(tmp_path / "1" / "outcomes.parquet")
    loop = rows.filter(pl.col("system") == "lorid@4")
    assert loop["probability"].null_count() == loop["answer"].null_count()
    kept = tmp_path / "1" / "rule.json"
    other = rule_files.load(kept).model_copy(update={"threshold": 0.51})
    named = tmp_path / "other.json"
    named.write_text(other.text(), encoding="utf-8")
    with pytest.raises(ConfigError, match="rule: not the same"):
        evaluate(config(world, tmp_path / "1", rule="weighed", rule_file=str(named)))
    # The folder's own rule is used again, wherever the file that it came from is now.
    evaluate(config(world, tmp_path / "2", rule="weighed", rule_file=str(named)))
    before = (tmp_path / "2" / "metrics.json").read_bytes()
    named.unlink()
    report = ["report", str(tmp_path / "2"), "--out", str(tmp_path / "r.html")]
    assert run(cli.app, report) == 0
    assert (tmp_path / "r.json").read_bytes() == before
