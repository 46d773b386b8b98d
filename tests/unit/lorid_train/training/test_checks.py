"""What is refused or decided around training, without training."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_data.testing.fake_hub import FakeHub, gated, moved
from lorid_data.testing.fake_hub_routes import Reply
from lorid_train.models import base_model
from lorid_train.training import processes, tokens
from lorid_train.training.arguments import n_steps
from lorid_train.training.greedy_eval import GreedyEval
from lorid_train.training.trainer import has_stalled

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_base_of_another_revision_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    found = base_model.resolve(str(tiny_base))
    assert base_model.resolve(str(tiny_base), found.fingerprint).fingerprint == found.fingerprint
    with pytest.raises(ConfigError, match="asked for revision 'sha256:0'"):
        base_model.resolve(str(tiny_base), "sha256:0")
    with pytest.raises(ConfigError, match="names no commit"):
        base_model.resolve(str(tiny_base), "a" * 40)
    copy = tmp_path / "snapshots" / ("b" * 40)
    shutil.copytree(tiny_base, copy)
    assert base_model.resolve(str(copy), "b" * 40).revision == "b" * 40
    with pytest.raises(ConfigError, match=f"this is {'b' * 40}"):
        base_model.resolve(str(copy), "a" * 40)
    note = tiny_base.parent / "noted"
    shutil.copytree(tiny_base, note)
    (note / ".cache/huggingface/download").mkdir(parents=True)
    (note / ".cache/huggingface/download/config.json.metadata").write_text(
        f"{'c' * 40}\netag\n1.0\n"
    )
    assert base_model.resolve(str(note), "c" * 40).revision == "c" * 40


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub's own address is not looked for."""
    monkeypatch.setattr("lorid_data.hub.reach.fault", lambda *_: None)


@pytest.mark.usefixtures("online")
def test_where_the_address_of_a_bases_hub_leads_is_named() -> None:
    from huggingface_hub import HfApi

    base = base_model.Base("me/base", "me/base", "v1", "hub:me/base@v1")
    with FakeHub() as hub, FakeHub() as other:
        hub.plan = lambda *_: moved(f"{other.url}/login?key=1")
        other.plan = lambda *_: Reply(200, {"Content-Type": "text/html"}, b"<html>")
        api = HfApi(endpoint=hub.url, token=hub.token)
        said = (
            f"base 'me/base' at revision 'v1': the Hub's address redirects to '{other.url}/login'"
        )
        with pytest.raises(ConfigError, match=re.escape(said)), base_model.said(base):
            api.model_info("me/base")
        assert other.authorizations == [None]


@pytest.mark.usefixtures("online")
def test_a_gated_base_says_where_its_conditions_are() -> None:
    from huggingface_hub import HfApi

    base = base_model.Base("me/base", "me/base", None, "hub:me/base@main")
    with FakeHub() as hub:
        hub.plan = lambda *_: gated("me/base")
        api = HfApi(endpoint=hub.url, token=hub.token)
        said = r"base 'me/base': is gated.* https://huggingface\.co/me/base, set HF_TOKEN"
        with pytest.raises(ConfigError, match=said), base_model.said(base):
            api.model_info("me/base")
        with pytest.raises(ConfigError, match=said), base_model.said(base):
            wrapped(lambda: api.model_info("me/base"))  # as transformers does


def wrapped(call: Any) -> None:
    try:
        call()
    except OSError as e:
        raise OSError("You are trying to access a gated repo.\nMake sure") from e


def test_a_tokenizer_that_cannot_end_a_text_is_refused(tiny_base: Path) -> None:
    base = base_model.resolve(str(tiny_base))
    tokenizer = base_model.load_tokenizer(base)
    base_model.check_tokenizer(tokenizer, base)
    tokenizer.pad_token = None
    base_model.check_tokenizer(tokenizer, base)  # padding carries neither attention nor loss
    tokenizer.eos_token = None
    with pytest.raises(ConfigError, match=r"no end-of-sequence token.*tokenizer_config\.json"):
        base_model.check_tokenizer(tokenizer, base)


def test_a_token_beyond_the_base_names_the_row() -> None:
    rows = [tokens.TokenRow("r1", [5], [5]), tokens.TokenRow("r2", [3, 10], [-100, 10])]
    assert list(tokens.known_ids(rows, 11, "base")) == rows
    with pytest.raises(
        ConfigError, match="row r2: the tokenizer gave the id 10, and base knows 0 to 9"
    ):
        list(tokens.known_ids(rows, 10, "base"))


def test_rows_come_back_from_disk_and_packs_keep_them_apart(tmp_path: Path) -> None:
    rows = [tokens.TokenRow(str(i), list(range(i + 1)), [-100] * i + [i]) for i in range(600)]
    tokens.write_token_rows(tmp_path / "t.arrow", rows)
    dataset = tokens.read_dataset(tmp_path / "t.arrow")
    assert dataset["input_ids"][599] == rows[599].input_ids
    assert dataset["labels"][7] == rows[7].labels
    packed = tokens.read_dataset(tmp_path / "t.arrow", pack_to=600)
    assert sum(map(sum, packed["seq_lengths"])) == sum(len(r.input_ids) for r in rows)
    assert max(map(sum, packed["seq_lengths"])) <= 600
    assert len(packed) < 320
    seen = [n for row in packed["row"] for n in dict.fromkeys(row)]
    assert sorted(seen) == list(range(600))


def test_fsdp_is_refused_where_it_would_be_something_else() -> None:
    env = {"ACCELERATE_USE_FSDP": "true"}
    assert processes.check({}, has_gpu=False, roles=3, greedy=True) == []
    assert processes.check(env, has_gpu=True, roles=1, greedy=False) == []
    [silent, roles, greedy] = processes.check(env, has_gpu=False, roles=3, greedy=True)
    assert "turns it into DDP without a word" in silent
    assert "--role ir" in roles
    assert "greedy" in greedy


@pytest.mark.parametrize(
    ("values", "greater", "stalled"),
    [
        ([3, 2, 1], False, False),
        ([1, 2], False, False),
        ([1, 2, 1], False, True),  # as good is no better
        ([3, 1, 2, 0.5], False, False),
        ([0.1, 0.5, 0.4, 0.5], True, True),
        ([], False, False),
    ],
)  # fmt: skip
def test_early_stopping_reads_the_log(values: list[float], greater: bool, stalled: bool) -> None:
    args = SimpleNamespace(metric_for_best_model="loss", greater_is_better=greater)
    history: list[dict[str, Any]] = [{"eval_loss": v} for v in values]
    assert has_stalled([{"loss": 0.0}, *history], args, patience=2) is stalled


def test_steps_of_a_run() -> None:
    args = SimpleNamespace(
        max_steps=-1, per_device_train_batch_size=4, world_size=2, dataloader_drop_last=False,
        gradient_accumulation_steps=2, num_train_epochs=3.0,
    )  # fmt: skip
    assert n_steps(args, 33) == 9  # 5 batches of 8 rows are 3 steps an epoch


def test_an_exam_compares_answers_or_texts() -> None:
    answers = GreedyEval([], ["1/2", "72", "3"], by_answer=True)
    assert answers.share_right(["so --> 0.5 END", "it is 72", "none"]) == pytest.approx(1 / 3)
    texts = GreedyEval([], ["Add.\nHalve.", "Add."], by_answer=False)
    assert texts.share_right([" Add.\nHalve.\n", "Add"]) == 0.5
