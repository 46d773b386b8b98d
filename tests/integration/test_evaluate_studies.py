"""Evaluations over servers that answer as told: the studies, seeds, votes, exports, a full disk."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from lorid_data.errors import ConfigError
from lorid_data.folders.draw_lines import sum_of
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from lorid_data.testing.fake_vllm import FakeVllm
from lorid_train import cli
from lorid_train.evaluation.evaluate import evaluate
from lorid_train.evaluation.exports import export_knowledge, export_log
from lorid_train.evaluation.forgetting import TextLoss
from lorid_train.models import base_model

pytestmark = pytest.mark.filterwarnings("ignore")
ROOT = Path(__file__).parent.parent.parent
reseal = runpy.run_path(str(Path(__file__).parents[1] / "support" / "manifests.py"))["reseal"]
support = runpy.run_path(str(ROOT / "tests" / "support" / "served_evaluation.py"))
questions, dataset, config = support["questions"], support["dataset"], support["config"]
RULE = support["RULE"]


@pytest.fixture(scope="module")
def run(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of untrained adapters, each with its card."""
    return Path(support["make_run"](tiny_base, tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def writer(tiny_base: Path) -> Callable[[dict[str, Any]], str]:
    """IR is right half of the time, DR where it reads the rules; KG writes them."""
    tokenizer = base_model.load_tokenizer(base_model.resolve(str(tiny_base)))

    def text(body: dict[str, Any]) -> str:
        prompt = tokenizer.decode(body["prompt"])
        if body["model"] == "kg":
            return RULE
        number = int(prompt.split("What is ")[1].split(" ")[0])
        seed = body["seed"] if body["temperature"] else 0
        digest = hashlib.sha256(f"{body['model']} {number} {seed}".encode()).digest()
        is_right = digest[0] < 128 or (body["model"] == "dr" and RULE in prompt)
        return f"So it is.\n--> {2 * number if is_right else digest[1]} END"

    return text


def metrics_of(folder: Path) -> dict[tuple[str, str, str | None], Any]:
    rows = json.loads((folder / "metrics.json").read_text())["metrics"]
    return {(m["system"], m["metric"], m["slice"]): m for m in rows}


def draws_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "draws.jsonl").read_text().splitlines()]


def test_an_evaluation_over_two_servers_of_which_one_dies(
    run: Path, writer: Any, tmp_path: Path
) -> None:
    data = dataset(tmp_path / "data", questions(20))
    with FakeVllm(text=writer) as one, FakeVllm(text=writer) as two:
        evaluate(config(run, data, tmp_path / "calm", one, two, batch_size=5))
        n_seen = len(one.seen)
        assert n_seen > 20
        one.dies_after = n_seen + 30
        n_before = len(two.seen)
        evaluate(config(run, data, tmp_path / "stormy", one, two))
        assert len(one.seen) < n_seen + 40
        assert len(two.seen) - n_before > n_before
    same = [(tmp_path / f / "metrics.json").read_text() for f in ("calm", "stormy")]
    assert same[0] == same[1]
    manifest = read_manifest(tmp_path / "calm")
    assert manifest.identity["engine"] == "server"
    assert two.url not in (tmp_path / "calm" / "metrics.json").read_text()


def test_names_that_are_not_served_are_refused_before_anything_is_written(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = dataset(tmp_path / "data", questions(2))
    argv = [
        "evaluate",
        "--adapters",
        str(run),
        "--dataset",
        str(data),
        "--out",
        str(tmp_path / "out"),
    ]
    with FakeVllm(adapters=["my-ir", "kg", "dr"]) as server:
        asked = [*argv, "--engine", "server", "--server", server.url]
        assert cli.run(cli.app, asked) == 2
        assert "serves ['base', 'dr', 'kg', 'my-ir'], not ['ir']" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
        assert cli.run(cli.app, [*asked, "--served", "ir=my-ir", "--rounds", "1"]) == 0
    assert cli.run(cli.app, [*argv, "--engine", "server"]) == 2
    assert "name one or several servers" in capsys.readouterr().err
    assert cli.run(cli.app, asked) == 2
    assert "does not answer" in capsys.readouterr().err
    bad = ["--engine", "server", "--server", "http://me:secret-word@127.0.0.1/v1", "ftp://x"]
    assert cli.run(cli.app, [*argv, *bad, "--served", "judge=x"]) == 2
    said = capsys.readouterr().err
    assert "LORID_SERVER_API_KEY" in said
    assert "'ftp://x'" in said
    assert "['judge']" in said
    assert "secret-word" not in said


def test_every_preset_is_a_configuration_of_evaluate(
    run: Path, writer: Any, tmp_path: Path
) -> None:
    data = dataset(tmp_path / "data", questions(3))
    (tmp_path / "text.txt").write_text("Nothing to see.\n" * 40)
    presets = sorted((ROOT / "configs" / "eval").glob("*.yaml"))
    assert {p.stem for p in presets} == {
        "convergence", "forgetting", "ir-only", "knowledge", "paper", "rounds", "systems",
    }  # fmt: skip
    for preset in presets:
        with FakeVllm(text=writer) as server:
            out = tmp_path / preset.stem
            argv = [
                "evaluate", "--config", str(preset), "--adapters", str(run), "--dataset", str(data), "--out", str(out),
                "--rounds", "2", "--threads", "1",
            ]  # fmt: skip
            if preset.stem == "forgetting":
                argv += ["--text", str(tmp_path / "text.txt"), "--max-new-tokens", "4"]
            else:
                argv += ["--engine", "server", "--server", server.url]
            assert cli.run(cli.app, argv) == 0, preset
            page = (out / "report.html").read_text()
            assert "<svg" in page
            assert "<table" in page


def test_the_knowledge_ablation(run: Path, writer: Any, tmp_path: Path) -> None:
    data = dataset(tmp_path / "data", questions(40))
    names = ["gold", "kg", "empty", "shuffled", "other"]
    with FakeVllm(text=writer) as server:
        conditions = ["ir", *(f"{n}-knowledge" for n in names)]
        evaluate(
            config(run, data, tmp_path / "out", server, loop=False, votes="none", greedy=conditions)
        )
    found = metrics_of(tmp_path / "out")
    accuracy = {n: found[f"dr-{n}-knowledge", "accuracy", None]["value"] for n in names}
    assert accuracy["gold"] == accuracy["kg"] == accuracy["other"] == 1.0  # all hold the rule
    assert accuracy["empty"] == accuracy["shuffled"] < 0.8
    assert found["dr-gold-knowledge", "mcnemar_p_holm", "vs=dr-empty-knowledge"]["value"] < 0.05
    assert len(draws_of(tmp_path / "out")) == 7 * 40
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Does DR use its knowledge?" in page
    assert "greedy DR with another question&#x27;s knowledge" in page


def test_without_knowledge_in_the_dataset_kg_s_is_shuffled(
    run: Path, writer: Any, tmp_path: Path
) -> None:
    data = dataset(tmp_path / "data", questions(6, knowledge=False))
    with FakeVllm(text=writer) as server:
        evaluate(
            config(
                run,
                data,
                tmp_path / "out",
                server,
                loop=False,
                votes="none",
                greedy=["shuffled-knowledge", "other-knowledge", "gold-knowledge"],
            )
        )
    drawn = Counter((d["role"], d["condition"]) for d in draws_of(tmp_path / "out"))
    assert drawn[("kg", "greedy")] == drawn[("dr", "shuffled-knowledge")] == 6
    assert ("dr", "gold-knowledge") not in drawn
    assert ("ir", "greedy") not in drawn
    greedy = [d for d in draws_of(tmp_path / "out") if d["condition"] == "other-knowledge"]
    assert greedy == []  # KG wrote the same for every question: no other text to pass on


def test_ir_alone(run: Path, writer: Any, tmp_path: Path) -> None:
    data = dataset(tmp_path / "data", questions(10))
    with FakeVllm(text=writer) as server:
        evaluate(config(run, data, tmp_path / "out", server, loop=False, greedy=["ir"]))
    found = metrics_of(tmp_path / "out")
    for system in ("ir-greedy", "ir-sampled", "maj-ir@4"):
        assert found[system, "accuracy", None]["value"] is not None
    assert found["lorid@4", "accuracy", None]["value"] is None
    assert {d["role"] for d in draws_of(tmp_path / "out")} == {"ir"}
    assert "The interaction loop was not drawn" in (tmp_path / "out" / "report.html").read_text()


def test_several_seeds_are_clustered_by_problem(run: Path, writer: Any, tmp_path: Path) -> None:
    data = dataset(tmp_path / "data", questions(12))
    with FakeVllm(text=writer) as server:
        evaluate(config(run, data, tmp_path / "out", server, seed=5, seeds=3))
    found = metrics_of(tmp_path / "out")
    top = found["lorid@4", "accuracy", None]
    assert (top["n"], top["method"]) == (12, "problem-bootstrap")
    assert found["ir-greedy", "accuracy", None]["method"] == "wilson"
    drawn = draws_of(tmp_path / "out")
    assert {d["seed"] for d in drawn if d["condition"] == "sampled"} == {5, 6, 7}
    assert {d["seed"] for d in drawn if d["condition"] == "greedy"} == {5}
    outcomes = pl.read_parquet(tmp_path / "out" / "outcomes.parquet")
    assert outcomes.filter(pl.col("system") == "lorid@4").height == 36


def test_all_votes_are_drawn_at_the_loop_s_cost(run: Path, writer: Any, tmp_path: Path) -> None:
    data = dataset(tmp_path / "data", questions(12))
    texts = []
    for batch_size in (3, 40):
        with FakeVllm(text=writer) as server:
            out = tmp_path / str(batch_size)
            evaluate(config(run, data, out, server, batch_size=batch_size))
        texts.append((out / "metrics.json").read_text())
    assert texts[0] == texts[1]
    found = metrics_of(out)
    loop = found["lorid@4", "tokens_per_problem", None]["value"]
    for pool in ("ir", "dr", "both"):
        [system] = {
            s
            for s, m, sl in found
            if s.startswith(f"maj-{pool}@") and (m, sl) == ("no_answer", None)
        }
        cost = found[system, "tokens_per_problem", None]["value"]
        one = cost / int(system.partition("@")[2])
        assert abs(cost - loop) <= one / 2 + 1e-9
    assert found["lorid@4", "mcnemar_p_holm", f"vs={system}"]["value"] <= 1


def test_what_kg_wrote_becomes_a_dataset(
    run: Path, writer: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = questions(8)
    data = dataset(tmp_path / "data", records)
    special = {
        "What is 0 + 0?": "",
        "What is 1 + 1?": "word " * 200,
        "What is 2 + 2?": "Add.\nAdd.",
    }

    def text(body: dict[str, Any]) -> str:
        if body["model"] != "kg":
            return str(writer(body))
        prompt = tokenizer.decode(body["prompt"])
        return next((t for q, t in special.items() if q in prompt), RULE)

    tokenizer = base_model.load_tokenizer(base_model.resolve(json.loads(
        (run / "adapters" / "kg" / "lorid.json").read_text())["base"]))  # fmt: skip
    with FakeVllm(text=text) as server:
        evaluate(config(run, data, tmp_path / "eval", server))
    argv = ["export-knowledge", str(tmp_path / "eval"), "--out", str(tmp_path / "kg")]
    assert cli.run(cli.app, argv) == 0
    assert "degenerate: 37.5% (" in capsys.readouterr().out
    manifest = read_manifest(tmp_path / "kg")
    assert (manifest.n_in, manifest.n_kept) == (8, 6)
    assert manifest.n_rejected == {"knowledge_empty": 1, "reply_truncated": 1}
    assert manifest.figures["n_by_kind"] == {"empty": 1, "cut_at_length": 1, "repeats_itself": 2}
    assert manifest.figures["most_common_text_fraction"] == 5 / 8
    by_question = {r.question: r for r in read_records(tmp_path / "kg")}
    assert by_question["What is 2 + 2?"].knowledge == ("Add.", "Add.")
    kept = by_question["What is 5 + 5?"]
    assert kept.knowledge == tuple(RULE.splitlines())
    assert kept.provenance.teacher == "kg"
    assert {r.row_id for r in by_question.values()} <= {r.row_id for r in records}
    export_knowledge(tmp_path / "eval", tmp_path / "kg")  # again: nothing to do
    with pytest.raises(ConfigError, match="name one of lorid-train evaluate"):
        export_knowledge(tmp_path / "kg", tmp_path / "x")


def test_the_log_reads_like_the_draws(run: Path, writer: Any, tmp_path: Path) -> None:
    data = dataset(tmp_path / "data", questions(5))
    with FakeVllm(text=writer) as server:
        evaluate(config(run, data, tmp_path / "eval", server))
    n = export_log(tmp_path / "eval", tmp_path / "log.parquet")
    log = pl.read_parquet(tmp_path / "log.parquet")
    assert n == log.height == len(draws_of(tmp_path / "eval"))
    assert log["question"].n_unique() == 5
    assert (
        log.filter(pl.col("role") == "kg")["verdict"].null_count()
        == log.filter(pl.col("role") == "kg").height
    )
    greedy = log.filter((pl.col("role") == "ir") & (pl.col("condition") == "greedy"))
    accuracy = metrics_of(tmp_path / "eval")["ir-greedy", "accuracy", None]["value"]
    assert (greedy["verdict"] == "correct").mean() == accuracy
    with pytest.raises(ConfigError, match=r"name a \.parquet file"):
        export_log(tmp_path / "eval", tmp_path / "log.csv")
    draws = (tmp_path / "eval" / "draws.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "eval" / "draws.jsonl").write_text("".join(d for d in draws if '"kg"' not in d))
    with pytest.raises(ConfigError, match=r"draws\.jsonl: holds"):
        export_knowledge(tmp_path / "eval", tmp_path / "kg")
    reseal(tmp_path / "eval", figures=sum_of(tmp_path / "eval" / "draws.jsonl").figures())
    with pytest.raises(ConfigError, match="KG was not drawn for 5 of 5"):
        export_knowledge(tmp_path / "eval", tmp_path / "kg")


def test_forgetting_is_measured_against_the_base(run: Path, tmp_path: Path) -> None:
    """Exact by hand for the base; adapters of random weights read every text worse."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    data = dataset(tmp_path / "data", questions(2))
    text = "The quick brown fox jumps over the lazy dog. " * 20
    (tmp_path / "text.txt").write_text(text)
    changes = {
        "engine": "transformers",
        "loop": False,
        "votes": "none",
        "greedy": ["ir", "kg-knowledge"],  # draws all three, so that all three are measured
        "max_new_tokens": 2,
    }
    evaluate(
        config(run, data, tmp_path / "out", text=str(tmp_path / "text.txt"), threads=1, **changes)
    )
    base = json.loads((run / "adapters" / "ir" / "lorid.json").read_text())["base"]
    ids = AutoTokenizer.from_pretrained(base).encode(text, add_special_tokens=False)
    model = AutoModelForCausalLM.from_pretrained(base).eval()
    with torch.inference_mode():
        part = torch.tensor([ids[:256]])
        expected = float(model(input_ids=part, labels=part).loss)
    rows = read_rows(tmp_path / "out" / "text_loss.parquet", TextLoss)
    first = next(r for r in rows if r.model == "base")
    assert first.loss_sum / first.n_tokens == pytest.approx(expected, rel=1e-5)
    assert sum(r.n_tokens for r in rows if r.model == "dr") == len(ids) - -(-len(ids) // 256)
    found = metrics_of(tmp_path / "out")
    for role in ("ir", "kg", "dr"):
        added = found[role, "text_loss_added", "text"]
        assert added["ci_low"] < added["value"] < added["ci_high"]
        assert added["value"] != 0
    assert "Forgetting" in (tmp_path / "out" / "report.html").read_text()
    with pytest.raises(ConfigError, match="needs --engine transformers"), FakeVllm() as server:
        evaluate(config(run, data, tmp_path / "y", server, text=str(tmp_path / "text.txt")))
    with pytest.raises(ConfigError, match="cannot be read as UTF-8"):
        evaluate(config(run, data, tmp_path / "y", text="nowhere.txt", **changes))


def test_targets_are_shown_and_marked(run: Path, writer: Any, tmp_path: Path) -> None:
    data = dataset(tmp_path / "data", questions(3))
    lines = [
        "gsm8k | Base 7B | LoRID | 0.842 | reported, not ours",
        "math | Base 7B | LoRID | 0.387 | reported, not ours",
    ]
    with FakeVllm(text=writer) as server:
        evaluate(config(run, data, tmp_path / "out", server, targets=lines))
        page = (tmp_path / "out" / "report.html").read_text()
        assert "84.2 %" in page
        assert "reported, not ours" in page
        assert "38.7 %" not in page  # another source's
        with pytest.raises(ConfigError, match=r"'gsm8k . LoRID . 84' is not DATASET"):
            evaluate(
                config(run, data, tmp_path / "x", server, targets=["gsm8k | LoRID | 84", lines[0]])
            )


def test_paper_yaml_holds_the_official_settings_and_both_tables() -> None:
    body = yaml.safe_load((ROOT / "configs" / "eval" / "paper.yaml").read_text())
    official = {
        "rounds": 20,
        "temperature": 1.5,
        "top_p": 0.9,
        "top_k": 50,
        "max_new_tokens": 1024,
        "rule": "cumulative",
    }
    assert {k: body[k] for k in official} == official
    cells = [[part.strip() for part in line.split("|")] for line in body["targets"]]
    assert all("reported, not ours" in c[4] for c in cells)
    lorid = {(c[0], c[1]): float(c[3]) for c in cells if c[2] == "LoRID"}
    assert lorid["gsm8k", "LLaMA-2 7B"] == 0.785
    assert lorid["math", "Qwen2.5-Math 7B"] == 0.612
    released = {(c[0], c[1]): float(c[3]) for c in cells if "released adapters" in c[2]}
    assert released == {
        ("gsm8k", "LLaMA-2 7B"): 0.726, ("gsm8k", "Mistral 7B"): 0.785,
        ("math", "LLaMA-2 7B"): 0.203, ("math", "Mistral 7B"): 0.316,
    }  # fmt: skip


@pytest.mark.slow
def test_a_full_disk_is_one_message_and_what_was_drawn_stays(
    run: Path, writer: Any, tmp_path: Path
) -> None:
    data = dataset(tmp_path / "data", questions(40))
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    if mount.returncode:
        pytest.skip(f"needs the right to mount a small tmpfs: {mount.stderr.decode().strip()}")
    try:
        with FakeVllm(text=writer) as server:
            command = [
                sys.executable, "-m", "lorid_train", "evaluate", "--adapters", str(run), "--dataset", str(data),
                "--out", str(disk / "eval"), "--engine", "server", "--server", server.url, "--rounds", "4",
            ]  # fmt: skip
            env = {**os.environ, "OMP_NUM_THREADS": "1"}
            full = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
            assert full.returncode == 1
            assert "the disk is full" in full.stderr
            assert "Traceback" not in full.stderr
            before = (disk / "eval" / "draws.jsonl").read_bytes()
            assert before.endswith(b"\n")
            assert before.count(b"\n") > 20
            subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
            subprocess.run(command, env=env, check=True, capture_output=True)
            assert (disk / "eval" / "draws.jsonl").read_bytes().startswith(before)
            evaluate(
                config(run, data, tmp_path / "roomy", server, temperature=1.5, max_new_tokens=1024)
            )
        same = [(f / "metrics.json").read_text() for f in (disk / "eval", tmp_path / "roomy")]
        assert same[0] == same[1]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
