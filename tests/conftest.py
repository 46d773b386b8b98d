"""Shared by all tests: no test leaves this machine, and what is missing is said."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# A first example that loads a library is slow on a busy machine: no test fails for its time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _stay_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail any test that connects to another machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if (
            self.family != socket.AF_UNIX
            and not str(host).startswith("127.")
            and host not in ("localhost", "::1")
        ):
            pytest.fail(f"a test tried to reach {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session", autouse=True)
def _own_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Caches of the Hugging Face libraries go to a folder of this run, for child processes too."""
    home = str(tmp_path_factory.mktemp("hf_home"))
    old = os.environ.get("HF_HOME")
    os.environ["HF_HOME"] = home
    yield
    if old is None:
        del os.environ["HF_HOME"]
    else:
        os.environ["HF_HOME"] = old


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real datasets, laid out as on the Hub."""
    folder = os.environ.get("LORID_TEST_DATA")
    if not folder:
        pytest.skip(
            "LORID_TEST_DATA is not set: it names a folder with openai/gsm8k, EleutherAI/hendrycks_math, …"
        )
    return Path(folder)


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve problems to train on and six to validate on, with knowledge, of different lengths."""
    from lorid_data.folders.records import write_dataset
    from lorid_data.folders.stage import open_stage
    from lorid_data.schema import Provenance, Record, make_problem, row_ids

    problems = [
        make_problem(
            source="t", split="train" if i < 12 else "validation", question=f"What is {i} + {i}{'?' * (i % 5 + 1)}",
            rationale=f"{i} + {i} = {2 * i}. " * (i % 3 + 1), answer=str(2 * i), knowledge=["Add the numbers."],
        )
        for i in range(18)
    ]  # fmt: skip
    records = [
        Record(row_id=row, provenance=Provenance(teacher="source"), **p.model_dump())
        for row, p in zip(row_ids(problems), problems, strict=True)
    ]
    folder = tmp_path_factory.mktemp("small_dataset") / "d"
    with open_stage(folder, "build", identity={"made": "by hand"}) as stage:
        write_dataset(stage, records, [], n_in=len(records))
    return folder


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of two layers with a byte-level tokenizer, as a model folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny_base")
    specials = ["<pad>", "<s>", "</s>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {t: i for i, t in enumerate([*specials, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocab), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=2048, bos_token_id=1, eos_token_id=2, pad_token_id=0,
        tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def answers_prepared() -> None:
    """The last stage of `equal` is loaded, so that a busy machine gives the same verdicts as an idle one."""
    from lorid_data.answers import prepare

    prepare()
