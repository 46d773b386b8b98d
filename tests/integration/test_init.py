"""Training that goes on from adapters (`init`): from their very weights, with their whole past."""

from __future__ import annotations

import json
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Record
from lorid_train.evaluation.trained_on import look
from lorid_train.training import trained_on
from lorid_train.training.sft import dry_run, train

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
small = SimpleNamespace(
    **runpy.run_path(str(Path(__file__).parents[1] / "support" / "small_training.py"))
)


@pytest.fixture(scope="module")
def halves(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The questions of a dataset, half to begin with and half to go on with."""
    records = [r for r in read_records(small_dataset) if r.split == "train"]
    root = tmp_path_factory.mktemp("halves")
    for name, part in (("first", records[:6]), ("second", records[6:])):
        with open_stage(root / name, "build", identity={"made": name}) as stage:
            write_dataset(stage, part, [], n_in=len(part))
    return root / "first", root / "second"


@pytest.fixture(scope="module")
def first(
    tiny_base: Path, halves: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("first") / "run"
    train(small.config(tiny_base, halves[0], out))
    return out


def going_on(base: Path, data: Path, out: Path, init: Any, **changes: Any) -> Any:
    """A run that says nothing of LoRA: that is the adapter's."""
    return small.config(base, data, out, **{"init": init, "lora": None} | changes).model_copy(
        update={"lora": changes.get("lora") or {}}
    )


def test_it_goes_on_from_the_very_weights(
    first: Path, tiny_base: Path, halves: tuple[Path, Path], tmp_path: Path
) -> None:
    still = going_on(
        tiny_base, halves[1], tmp_path / "still", str(first), sft={"learning_rate": 1e-8}
    )
    train(still)
    # A rate of 0 is refused; steps this small leave the weights of the start all but alone.
    assert small.residuals(small.weights(tmp_path / "still"), small.weights(first))[0] < 1e-4
    train(going_on(tiny_base, halves[1], tmp_path / "on", {"dr": str(first / "adapters/dr")}))
    assert small.residuals(small.weights(tmp_path / "on"), small.weights(first))[0] > 1e-3
    config = json.loads((tmp_path / "on/adapters/dr/adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (4, 8)


def test_a_resumed_run_equals_an_uninterrupted_one(
    first: Path, tiny_base: Path, halves: tuple[Path, Path], tmp_path: Path
) -> None:
    def run(out: Path) -> Any:
        sft = {"max_steps": 6, "save_steps": 2}
        lora = {"lora_dropout": 0.1}
        return going_on(tiny_base, halves[1], out, str(first), sft=sft, lora=lora)

    whole, parted = tmp_path / "whole", tmp_path / "parted"
    train(run(whole))
    shutil.copytree(whole, parted)
    (parted / "manifest.json").unlink()
    shutil.rmtree(parted / "adapters")
    shutil.rmtree(parted / "checkpoints/dr/checkpoint-6")
    train(run(parted))
    same = [sha256_file(r / "adapters/dr/adapter_model.safetensors") for r in (whole, parted)]
    assert same[0] == same[1]
    assert (whole / "adapters/dr/lorid.json").read_bytes() == (parted / "adapters/dr/lorid.json").read_bytes()  # fmt: skip


def test_its_past_is_chained(
    first: Path, tiny_base: Path, halves: tuple[Path, Path], tmp_path: Path
) -> None:
    second, third = tmp_path / "second", tmp_path / "third"
    train(going_on(tiny_base, halves[1], second, str(first)))
    train(going_on(tiny_base, halves[1], third, str(second)))
    weights = sha256_file(second / "adapters/dr/adapter_model.safetensors")
    card = json.loads((third / "adapters/dr/lorid.json").read_text())
    assert card["init"]["weights_sha256"] == weights
    first_weights = sha256_file(first / "adapters/dr/adapter_model.safetensors")
    assert card["init"]["init"]["weights_sha256"] == first_weights
    assert str(tmp_path) not in json.dumps(card)  # hashes, no paths
    manifest = json.loads((third / "manifest.json").read_text())
    assert manifest["identity"]["init_sha256"] == {"dr": weights}
    assert manifest["settings"]["init"] == {"dr": str(second / "adapters/dr")}
    known = trained_on.read(third)
    assert known is not None
    assert len(known) == 12  # the questions of both halves


def test_an_evaluation_sees_the_questions_of_before(
    first: Path, tiny_base: Path, halves: tuple[Path, Path], tmp_path: Path
) -> None:
    second = tmp_path / "second"
    train(going_on(tiny_base, halves[1], second, str(first)))
    [old, *_] = read_records(halves[0])
    near = Record(
        **old.model_dump() | {"problem_id": "f" * 64, "question": f"Please! {old.question}"}
    )
    looked = look({"dr": second / "adapters/dr"}, [old, near])
    assert {f.problem_id: f.how for f in looked.found}[old.problem_id] == "same"
    assert near.problem_id in {f.problem_id for f in looked.found}
    assert (looked.unknown, looked.by_hash_only) == ((), ())
    moved = tmp_path / "moved"
    shutil.copytree(first, moved)
    train(going_on(tiny_base, halves[1], tmp_path / "third", str(moved)))
    shutil.rmtree(moved)
    looked = look({"dr": tmp_path / "third/adapters/dr"}, [old, near])
    assert [f.problem_id for f in looked.found] == [old.problem_id]
    assert looked.by_hash_only == ("dr",)


def test_an_unknown_past_stays_unknown(
    first: Path, tiny_base: Path, halves: tuple[Path, Path], tmp_path: Path
) -> None:
    """An adapter outside of its run says nothing of its questions."""
    bare = tmp_path / "bare"
    shutil.copytree(first / "adapters/dr", bare)
    train(going_on(tiny_base, halves[1], tmp_path / "second", {"dr": str(bare)}))
    train(going_on(tiny_base, halves[1], tmp_path / "third", str(tmp_path / "second")))
    for run in ("second", "third"):
        assert look({"dr": tmp_path / run / "adapters/dr"}, []).unknown == ("dr",)


def _without_card(folder: Path) -> None:
    (folder / "lorid.json").unlink()


def _of_role(folder: Path) -> None:
    _change(folder, role="ir")


def _change(folder: Path, **changes: Any) -> None:
    path = folder / "lorid.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _fewer_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "adapter_model.safetensors"
    weights = load_file(path)
    save_file(dict(list(weights.items())[1:]), path)


def _damaged(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:100])


def _no_numbers(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "adapter_model.safetensors"
    weights = load_file(path)
    name = sorted(weights)[0]
    save_file({**weights, name: weights[name] * float("nan")}, path)


@pytest.mark.parametrize(
    ("spoil", "changes", "sentence"),
    [
        (lambda f: _change(f, base_fingerprint="sha256:0", base="other"), {}, "another base model ('other')"),
        (lambda f: _change(f, tokenizer_sha256="0"), {}, "another tokenizer or chat template"),
        (None, {"format": "lf-0.9.2/llama2"}, "set format to that of the adapter"),
        (None, {"lora": {"r": 8}}, "lora: r is 8 here and 4 in"),
        (None, {"lora": {"use_rslora": True}}, "use_rslora is True here and False in"),
        (_of_role, {}, "was trained for the role 'ir'"),
        (lambda f: _change(f, prompt_sha256="0"), {}, "another prompt"),
        (_without_card, {}, "lorid.json is missing"),
        (shutil.rmtree, {}, "no such folder"),
        (None, {"roles": ("dr", "ir")}, "no adapter for ir"),
        (_damaged, {}, "adapter_model.safetensors cannot be read"),
        (_no_numbers, {}, "holds what is no number"),
        (_fewer_weights, {}, "its weights are not those that its adapter_config.json says"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    first: Path, tiny_base: Path, halves: tuple[Path, Path], tmp_path: Path,
    spoil: Callable[[Path], None] | None, changes: dict[str, Any], sentence: str,
) -> None:  # fmt: skip
    adapter = tmp_path / "adapter"
    shutil.copytree(first / "adapters/dr", adapter)
    if spoil is not None:
        spoil(adapter)
    config = going_on(tiny_base, halves[1], tmp_path / "run", {"dr": str(adapter)}, **changes)
    with pytest.raises(ConfigError) as refused:
        train(config)
    [problem] = refused.value.problems
    assert sentence in problem
    assert not (tmp_path / "run").exists()


def test_a_dry_run_counts_the_adapter_that_it_goes_on_from(
    first: Path, tiny_base: Path, halves: tuple[Path, Path], tmp_path: Path
) -> None:
    lines: list[str] = []
    dry_run(going_on(tiny_base, halves[1], tmp_path / "run", str(first)), lines.append)
    assert any("1,024" in line or "1.0 k" in line or "trainable" in line for line in lines)
    assert not (tmp_path / "run").exists()
