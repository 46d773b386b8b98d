"""Bits flipped in the folder of a finished training: noticed by all that load it."""

from __future__ import annotations

import json
import random
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import LoridError
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST
from lorid_data.folders.records import read_records
from lorid_train.evaluation import trained_on
from lorid_train.models.adapters import Adapters, folders_of, open_adapters
from lorid_train.models.merge import merge
from lorid_train.publish.contents import read_role
from lorid_train.training.sft import train

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SUPPORT = Path(__file__).parents[1] / "support"
small = runpy.run_path(str(SUPPORT / "small_training.py"))
ROLES = ("ir", "kg", "dr")


def _solve(run: Path) -> Adapters:
    return open_adapters(folders_of([str(run)]), None)


def _evaluate(run: Path) -> Any:
    """What `evaluate` reads of a run before it loads a model."""
    return trained_on.look(_solve(run).folders, read_records(run.with_name("small"))[:2])


READERS: dict[str, Callable[[Path], Any]] = {
    "evaluate": _evaluate,
    "solve": _solve,
    "publish": lambda run: [read_manifest(run), *(read_role(run, role) for role in ROLES)],
    "merge": lambda run: merge(run / "adapters" / "ir", run.with_name("merged")),
}
OF_EVERY_READER = ("adapters/ir/adapter_model.safetensors", "adapters/ir/adapter_config.json", "adapters/ir/lorid.json", "adapters/ir/training.json", MANIFEST)  # fmt: skip
READ_BY = dict.fromkeys(OF_EVERY_READER, tuple(READERS)) | {"trained_on.parquet": ("evaluate",)}


@pytest.fixture(scope="module")
def run(tiny_base: Path, small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained")
    (root / "small").symlink_to(small_dataset)
    train(small["config"](tiny_base, small_dataset, root / "run", roles=ROLES, sft={"max_steps": 1}))  # fmt: skip
    return root / "run"


@pytest.mark.parametrize("name", READ_BY)
def test_a_flipped_bit_of_a_run_is_noticed(run: Path, name: str, n_flips: int) -> None:
    for reader in READ_BY[name]:
        READERS[reader](run)
    path, rng, missed = run / name, random.Random(name), []
    whole = path.read_bytes()
    for i in range(n_flips):
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        if name == MANIFEST and _says_the_same(data, whole):
            continue
        path.write_bytes(data)
        missed += [(reader, i) for reader in READ_BY[name] if not _refuses(READERS[reader], run)]
    path.write_bytes(whole)
    assert missed == []


def test_the_manifest_lists_what_is_the_same_each_time(run: Path) -> None:
    """The library would leave a card whose tags have the order of a set."""
    assert [name for name in read_manifest(run).files if name.endswith("README.md")] == []


def _says_the_same(damaged: bytearray, whole: bytes) -> bool:
    """White space of JSON decides nothing."""
    try:
        return bool(json.loads(damaged) == json.loads(whole))
    except ValueError:
        return False


def _refuses(read: Callable[[Path], Any], run: Path) -> bool:
    try:
        read(run)
    except LoridError:
        return True
    return False
