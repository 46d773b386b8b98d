"""Evaluations and adapters whose files were changed: refused, not reported on and not gone on with."""

from __future__ import annotations

import json
import random
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError, InputError, LoridError
from lorid_data.folders.draw_lines import line_of, split_line, sum_of
from lorid_data.folders.names import MANIFEST, RECORDS
from lorid_train.config import EvalConfig
from lorid_train.evaluation.evaluate import evaluate, report_on
from lorid_train.evaluation.exports import export_knowledge
from lorid_train.evaluation.identity import adapter_configs
from lorid_train.report.reading import DrawFile

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")
support = runpy.run_path(str(Path(__file__).parents[1] / "support" / "served_evaluation.py"))
reseal = runpy.run_path(str(Path(__file__).parents[1] / "support" / "manifests.py"))["reseal"]
DRAWS = "draws.jsonl"


def config(root: Path, **changes: Any) -> EvalConfig:
    more = {"engine": "transformers", "server": (), "rounds": 2, "max_new_tokens": 4, "threads": 1, "votes": "none"}  # fmt: skip
    values = {"out": root / "eval", **more, **changes}
    found: EvalConfig = support["config"](root / "run", root / "data", **values)
    return found


@pytest.fixture(scope="module")
def finished(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    support["dataset"](root / "data", support["questions"](3))
    support["make_run"](tiny_base, root / "run")
    evaluate(config(root))
    return root


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "r"))


def test_every_line_carries_its_hash(finished: Path) -> None:
    lines = (finished / "eval" / DRAWS).read_bytes().splitlines(keepends=True)
    assert all(split_line(line)[1] for line in lines)
    assert json.loads(lines[0]).keys() >= {"problem_id", "text", "sha256"}
    shuffled = finished / "shuffled.jsonl"
    shuffled.write_bytes(b"".join(reversed(lines)))
    assert sum_of(shuffled).figures() == sum_of(finished / "eval" / DRAWS).figures()
    assert json.loads((finished / "eval" / MANIFEST).read_text())["figures"]["n_draws"] == len(
        lines
    )


def edit(line: bytes, **changes: Any) -> bytes:
    """A draw as somebody who knows of the hash would change it."""
    body = {**json.loads(split_line(line)[0]), **changes}
    return line_of(json.dumps(body, separators=(",", ":")).encode())


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "text": lambda x: [x[0].replace(b'"text":"', b'"text":"x'), *x[1:]],
    "negative": lambda x: [edit(x[0], n_tokens=-5), *x[1:]],
    "round 0": lambda x: [edit(x[0], round=0), *x[1:]],
    "twice": lambda x: [*x, x[0]],
    "same key": lambda x: [*x, edit(x[0], text="other")],
    "lost": lambda x: x[1:],
    "cut": lambda x: [*x[:-1], x[-1][:-10]],
    "no hash": lambda x: [split_line(x[0])[0] + b"\n", *x[1:]],
    "fresh": lambda x: [edit(x[0], text="--> 7 END"), *x[1:]],
    "joined": lambda x: [x[0][:-1] + b" " + x[1], *x[2:]],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_report_reads_the_draws_that_were_made(copy: Path, change: str) -> None:
    path = copy / "eval" / DRAWS
    path.write_bytes(b"".join(CHANGES[change](path.read_bytes().splitlines(keepends=True))))
    for read in (
        lambda: report_on([copy / "eval"], copy / "r.html", {}),
        lambda: export_knowledge(copy / "eval", copy / "kg"),
        lambda: evaluate(config(copy)),
        lambda: DrawFile(path),
    ):
        with pytest.raises(InputError, match=r"draws\.jsonl"):
            read()
    assert not (copy / "r.html").exists()


@pytest.mark.parametrize("change", ["text", "negative", "round 0", "twice", "same key", "joined"])
def test_damaged_draws_are_not_gone_on_with(copy: Path, change: str) -> None:
    path = copy / "eval" / DRAWS
    (copy / "eval" / MANIFEST).unlink()
    path.write_bytes(b"".join(CHANGES[change](path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(InputError, match=r"draws\.jsonl:\d+: "):
        evaluate(config(copy))


def test_a_torn_line_is_drawn_again_and_ends_the_same(copy: Path) -> None:
    path, manifest = copy / "eval" / DRAWS, copy / "eval" / MANIFEST
    evaluate(config(copy, out=copy / "calm" / "eval"))
    manifest.unlink()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[2:], lines[1][:30]]))  # other order, one cut, one lost
    evaluate(config(copy))
    assert manifest.read_bytes() == (copy / "calm" / "eval" / MANIFEST).read_bytes()


def test_flipped_bits_in_an_evaluation_are_noticed(
    finished: Path, tmp_path: Path, n_flips: int
) -> None:
    rng = random.Random(17)
    missed = []
    for name in (RECORDS, "outcomes.parquet", "metrics.json", DRAWS, MANIFEST, "config.yaml"):
        for i in range(n_flips):
            root = Path(shutil.copytree(finished / "eval", tmp_path / f"{name}{i}"))
            data = bytearray((root / name).read_bytes())
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            (root / name).write_bytes(data)
            if name == MANIFEST and _is_same(root / name, finished / "eval" / name):
                continue
            try:
                report_on([root], tmp_path / "r.html", {})
                missed.append((name, i))
            except LoridError:
                shutil.rmtree(root)
    assert missed == []


def _is_same(a: Path, b: Path) -> bool:
    try:
        return bool(json.loads(a.read_bytes()) == json.loads(b.read_bytes()))
    except ValueError:
        return False


def _seal_run(run: Path) -> None:
    """The manifest that `sft` would have written."""
    from lorid_data.folders.stage import open_stage

    run.rename(run.with_name("made"))
    with open_stage(run, "sft", identity={}) as stage:
        shutil.copytree(run.with_name("made") / "adapters", run / "adapters")
        stage.finish(n_in=0, n_kept=0, n_rejected={})


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json", "lorid.json"])
def test_an_adapter_of_a_run_is_what_was_trained(copy: Path, name: str) -> None:
    _seal_run(copy / "run")
    evaluate(config(copy))  # done, as before: the identity is that of the files
    path = copy / "run" / "adapters" / "dr" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=f"adapters/dr/{name} has changed"):
        evaluate(config(copy, out=copy / "other"))


def set_alpha(folder: Path, **changes: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("is_finished", [True, False])
def test_another_alpha_is_another_model(copy: Path, is_finished: bool) -> None:
    if not is_finished:
        (copy / "eval" / MANIFEST).unlink()
    set_alpha(copy / "run" / "adapters" / "dr", lora_alpha=800)
    with pytest.raises(ConfigError, match=r"another configuration.*the adapter's settings of dr"):
        evaluate(config(copy))


def test_what_decides_no_token_changes_no_identity(copy: Path) -> None:
    from lorid_train.models.adapters import open_adapters

    folders = config(copy).adapters
    before = adapter_configs(open_adapters(folders, None))
    for f in folders.values():
        targets = json.loads((Path(f) / "adapter_config.json").read_text())["target_modules"]
        set_alpha(Path(f), target_modules=targets[::-1], base_model_name_or_path="elsewhere")
    assert adapter_configs(open_adapters(folders, None)) == before
