"""`rl` end to end on a random tiny model: whose prompts, which bytes, what is kept, what is refused."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lorid_data.errors import ConfigError, InputError, StageError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.records import read_records
from lorid_data.folders.verified import SEEN
from lorid_train import formats, roles
from lorid_train.models import base_model
from lorid_train.reinforcement import trainer as rl_trainer
from lorid_train.reinforcement.stage import dry_run, train
from lorid_train.training import sft, trained_on

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
SUPPORT = Path(__file__).parents[1] / "support"
small = SimpleNamespace(**runpy.run_path(str(SUPPORT / "small_training.py")))
rl = SimpleNamespace(**runpy.run_path(str(SUPPORT / "small_rl.py")))
WEIGHTS = "adapters/dr/adapter_model.safetensors"


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    rl.answer_by(monkeypatch.setattr)


@pytest.fixture(scope="module")
def start(tiny_base: Path, small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that was trained on other questions than those that are asked."""
    out = tmp_path_factory.mktemp("start") / "run"
    sft.train(small.config(tiny_base, small_dataset, out, limit=1))
    return out


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    start: Path, small_dataset: Path, tmp_path: Path
) -> None:
    runs = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(rl.config(start, small_dataset, tmp_path / name, seed=seed))
        runs[name] = {
            f: sha256_file(tmp_path / name / "adapters/dr" / f)
            for f in ("adapter_model.safetensors", "training.json", "lorid.json")
        }
    assert runs["a"] == runs["b"]
    assert runs["a"]["training.json"] != runs["c"]["training.json"]
    manifests = [
        json.loads((tmp_path / n / "manifest.json").read_text())["files"] for n in ("a", "b")
    ]
    assert manifests[0] == manifests[1]


@pytest.mark.parametrize(
    ("grpo", "kept"),
    [
        ({"max_steps": 8}, 2),
        ({"max_steps": 8}, 6),  # in a later epoch: six steps are one
        ({"beta": 0.04}, 2),  # TRL keeps a copy of the start beside the adapter
        ({"num_iterations": 2, "max_steps": 8, "save_steps": 4}, 4),
    ],
)
def test_a_resumed_run_equals_an_uninterrupted_one(
    start: Path, small_dataset: Path, tmp_path: Path, grpo: dict[str, Any], kept: int
) -> None:
    def run(out: Path) -> None:
        blind = {"validation": None, "blind": True}
        train(rl.config(start, small_dataset, out, grpo=grpo, **blind))

    whole, parted = tmp_path / "whole", tmp_path / "parted"
    run(whole)
    shutil.copytree(whole, parted)
    (parted / "manifest.json").unlink()
    shutil.rmtree(parted / "adapters")
    for checkpoint in parted.glob("checkpoints/dr/checkpoint-*"):
        if int(checkpoint.name.rpartition("-")[2]) != kept:
            shutil.rmtree(checkpoint)
    if not any(parted.glob("checkpoints/dr/checkpoint-*")):  # it made room for later ones
        shutil.rmtree(parted)
        short = rl.config(start, small_dataset, parted, grpo=grpo, validation=None, blind=True)
        _killed_at(short, kept)
    run(parted)
    for name in ("adapter_model.safetensors", "training.json"):
        a, b = (r / "adapters/dr" / name for r in (whole, parted))
        assert a.read_bytes() == b.read_bytes(), name


def test_a_watched_run_resumes_to_the_same_best_step(
    start: Path, small_dataset: Path, tmp_path: Path
) -> None:
    """What was measured before the kill counts after it: the start too."""
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    train(rl.config(start, small_dataset, whole))
    _killed_at(rl.config(start, small_dataset, parted), 2)
    train(rl.config(start, small_dataset, parted))
    assert [v["step"] for v in small.figures(whole)["validation"]] == [0, 2, 4]
    for name in ("adapter_model.safetensors", "training.json", "lorid.json"):
        a, b = (r / "adapters/dr" / name for r in (whole, parted))
        assert a.read_bytes() == b.read_bytes(), name


def _killed_at(config: Any, step: int) -> None:
    """Begin a run and end it right after a checkpoint."""
    from lorid_train.training import checkpoints

    plain = checkpoints.seal

    def seal(checkpoint: Path) -> None:
        plain(checkpoint)
        if checkpoint.name == f"checkpoint-{step}":
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as m:
        m.setattr(checkpoints, "seal", seal)
        with pytest.raises(KeyboardInterrupt):
            train(config)


def test_validation_changes_no_bit_of_training(
    start: Path, small_dataset: Path, tmp_path: Path
) -> None:
    train(rl.config(start, small_dataset, tmp_path / "watched"))
    train(rl.config(start, small_dataset, tmp_path / "blind", validation=None, blind=True))
    logs = [small.figures(tmp_path / n)["answers"] for n in ("watched", "blind")]
    assert logs[0] == logs[1]


@pytest.mark.parametrize("name", ["plain", "lf-0.9.2/llama2", "lf-0.6/mistral"])
def test_prompts_are_those_of_sft_token_for_token(
    name: str, tiny_base: Path, small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the model is given to go on from; TRL alone would leave out the begin token."""
    out = tmp_path / "sft"
    sft.train(small.config(tiny_base, small_dataset, out, limit=1, format=name))
    seen: list[list[int]] = []
    cls = rl_trainer.trainer_class()
    plain = cls._generate_single_turn

    def look(self: Any, prompt_ids: list[list[int]], *args: Any) -> Any:
        seen.extend(prompt_ids)
        return plain(self, prompt_ids, *args)

    monkeypatch.setattr(cls, "_generate_single_turn", look)
    train(rl.config(out, small_dataset, tmp_path / "rl", grpo={"max_steps": 2}, blind=True, validation=None))  # fmt: skip
    tokenizer = base_model.load_tokenizer(base_model.resolve(str(tiny_base)))
    fmt, role = formats.load(name), roles.role("dr")
    contents = [
        role.content(r.question, roles.knowledge_text(r.knowledge))
        for r in read_records(small_dataset)
        if r.split == "train"
    ]
    wanted = {tuple(fmt.prompt_ids(tokenizer, c)) for c in contents}
    assert {tuple(ids) for ids in seen} <= wanted
    assert len(seen) == 2 * 8
    by_trl = {tuple(tokenizer(fmt.render(c))["input_ids"]) for c in contents}
    if name == "plain":
        assert not by_trl & wanted  # the fault that this guards against


def test_another_prompt_stops_it(
    start: Path, small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cls = rl_trainer.trainer_class()
    monkeypatch.setattr(
        cls, "_tokenize_prompts", lambda self, p: ([self.to_ids(t)[1:] for t in p], None, {})
    )
    with pytest.raises(StageError, match="is not the one that sft trains on"):
        train(rl.config(start, small_dataset, tmp_path / "run"))


def test_a_run_folder_is_whole_and_says_what_was_paid_for(
    start: Path, small_dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    manifest = train(rl.config(start, small_dataset, out, validation=None, blind=True))
    assert (manifest.stage, manifest.n_in, manifest.n_kept) == ("rl", 12, 12)
    card = json.loads((out / "adapters/dr/lorid.json").read_text())
    assert card["method"] == "grpo"
    assert card["reward"] == {"kind": "gold"}
    assert card["blind"] is True
    assert card["init"]["weights_sha256"] == sha256_file(start / WEIGHTS)
    assert {p.name for p in (out / "adapters/dr").iterdir()} == {
        "adapter_model.safetensors", "adapter_config.json", "lorid.json", "training.json",
    }  # fmt: skip
    known = trained_on.read(out)
    assert known is not None
    assert len(known) == 12
    assert small.residuals(small.weights(out), small.weights(start))[0] > 0
    page = (out / "training.html").read_text()
    for title in ("Reward and accuracy", "Wrong answers that are shared", "Entropy of a token", "Distinct answers", "Tokens of an answer"):  # fmt: skip
        assert title in page
    entry = small.figures(out)["answers"][-1]
    assert {
        "reward",
        "entropy",
        "n_distinct",
        "shared_wrong_fraction",
        "mean_tokens",
    } <= entry.keys()

    def written() -> list[int]:
        ours = (".lock", SEEN)  # opened again, and a note of what was read
        return sorted(
            p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file() and p.name not in ours
        )

    before = written()
    assert train(rl.config(start, small_dataset, out, validation=None, blind=True)) == manifest
    assert written() == before


@pytest.mark.parametrize(
    ("accuracies", "best"), [([0.5, 0.4, 0.3], 0), ([0.5, 0.9, 0.3], 2), ([0.1, 0.2, 0.3], 4)]
)
def test_the_best_is_kept_and_that_may_be_the_start(
    start: Path, small_dataset: Path, tmp_path: Path, accuracies: list[float], best: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from lorid_train.training.greedy_eval import GreedyEval

    told = iter(accuracies)
    monkeypatch.setattr(GreedyEval, "share_right", lambda *_: next(told))
    monkeypatch.setattr("lorid_train.reinforcement.stopping.parted", lambda *_: None)
    out, blind = tmp_path / "run", tmp_path / "blind"
    train(rl.config(start, small_dataset, out))
    assert small.figures(out)["best_step"] == best
    assert json.loads((out / "adapters/dr/lorid.json").read_text())["best_step"] == best
    if best == 0:
        assert small.residuals(small.weights(out), small.weights(start)) == (0, 0)
        return
    train(
        rl.config(
            start, small_dataset, blind, grpo={"max_steps": best}, validation=None, blind=True
        )
    )
    # A cosine would not be the same in a shorter run; TRL's default is linear, so steps differ too.
    assert small.residuals(small.weights(out), small.weights(start))[0] > 0


def test_it_stops_where_reward_and_accuracy_part(
    start: Path, small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lorid_train.reinforcement import stopping

    monkeypatch.setattr(
        stopping, "parted", lambda found: "more for less" if len(found) == 3 else None
    )
    out = tmp_path / "run"
    train(rl.config(start, small_dataset, out, grpo={"max_steps": 8}))
    made = small.figures(out)
    assert made["n_steps"] == 4
    assert made["stopped"] == "more for less"


def test_rewards_that_are_all_alike_stop_it(
    start: Path, small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lorid_train.reinforcement.rewards.answer_of", lambda _: None)
    with pytest.raises(StageError, match="all answers of each question were paid alike"):
        train(rl.config(start, small_dataset, tmp_path / "run"))
    assert not (tmp_path / "run/adapters").exists()


def test_an_adapter_that_does_not_move_stops_it(
    start: Path, small_dataset: Path, tmp_path: Path
) -> None:
    config = rl.config(start, small_dataset, tmp_path / "run", grpo={"learning_rate": 1e-30}, validation=None, blind=True)  # fmt: skip
    with pytest.raises(StageError, match="the adapter is what it was before the first step"):
        train(config)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"validation": None}, "Or train with --blind"),
        ({"blind": True}, "say opposite things"),
        ({"reward": "consensus"}, "name an evaluation, or a folder of export-draws, under draws"),
        ({"reward": "agreement"}, "it lowered accuracy from 74.5 to 73.0 %"),
        ({"split": "test"}, "can be tested on them no more"),
        ({"validation": {"split": "test"}}, "test questions could test it no more"),
        ({"split": "nothing"}, "no rows of split 'nothing'"),
        ({"role": "kg"}, "states no answer that could be paid for"),
        ({"role": "ir"}, "holds no adapter of the role 'ir'"),
        ({"validation": {"split": "train"}}, "are trained on"),
        ({"validation": {"split": "none"}}, "has no labelled question of split 'none'"),
        ({"data": None}, "name the dataset folder with the questions"),
        ({"init": "nowhere"}, "no such folder"),
        ({"grpo": {"max_steps": 3, "save_steps": 3, "logging_steps": 2}}, "no multiple of logging_steps"),
        ({"grpo": {"steps_per_generation": 2, "save_steps": 1}}, "inside of a batch of answers"),
        ({"grpo": {"num_generations": 3}}, "grpo:"),
        ({"grpo": {"learning_rate": "fast"}}, "grpo: learning_rate is 'fast', which is no number"),
        ({"grpo": {"max_steps": 0}}, "grpo: max_steps is 0, and must be 1 or more"),
        ({"grpo": {"use_vllm": True}}, "pip install vllm"),
        ({"limit": 1}, "one batch of answers asks 2 questions, and only 1"),
        ({"max_tokens": 8}, "prompts are longer than 8"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_in_a_sentence_and_nothing_is_written(
    start: Path, small_dataset: Path, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    out = tmp_path / "run"
    with pytest.raises(ConfigError) as refused:
        train(rl.config(start, small_dataset, out).model_copy(update=_parsed(changes)))
    [problem] = refused.value.problems
    assert sentence in problem
    assert not out.exists()


def _parsed(changes: dict[str, Any]) -> dict[str, Any]:
    """The fields that differ, as a configuration has them."""
    given = rl.config(
        Path("x"),
        Path("y"),
        Path("z"),
        **{k: v for k, v in changes.items() if k not in ("data", "init")},
    )
    paths = {k: changes[k] for k in ("data", "init") if k in changes}
    return {k: getattr(given, k) for k in changes if k not in paths} | paths


def test_an_adapter_of_another_base_is_refused(
    start: Path, small_dataset: Path, tmp_path: Path
) -> None:
    other = tmp_path / "base"
    base = Path(json.loads((start / "adapters/dr/lorid.json").read_text())["base"])
    shutil.copytree(base, other)
    _change_a_weight(other)
    with pytest.raises(ConfigError, match="was trained on another base model"):
        train(rl.config(start, small_dataset, tmp_path / "run", base=str(other)))
    assert not (tmp_path / "run").exists()


def _change_a_weight(base: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = base / "model.safetensors"
    weights = load_file(path)
    first = next(iter(weights))
    save_file({**weights, first: weights[first] + 1}, path, metadata={"format": "pt"})


def test_fewer_questions_than_a_batch_are_refused(
    start: Path, small_dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="one batch of answers asks 2 questions, and only 1"):
        train(rl.config(start, small_dataset, tmp_path / "run", limit=1))


def test_a_dry_run_says_what_would_be_asked(
    start: Path, small_dataset: Path, tmp_path: Path
) -> None:
    lines: list[str] = []
    dry_run(rl.config(start, small_dataset, tmp_path / "run"), lines.append)
    assert any("asked: 12 of 12 questions" in line for line in lines)
    assert any(
        "4 steps of 8 answers, 4 of a question" in line and "temperature 1.5" in line
        for line in lines
    )
    assert not (tmp_path / "run").exists()


def test_questions_without_an_answer_are_passed_over(
    start: Path, small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lorid_train.reinforcement import questions

    plain = questions.records_of

    def some(*args: Any) -> Any:
        found = plain(*args)
        return [r.model_copy(update={"answer": ""}) if i < 2 else r for i, r in enumerate(found)]

    monkeypatch.setattr("lorid_train.reinforcement.questions.records_of", some)
    manifest = train(rl.config(start, small_dataset, tmp_path / "run"))
    assert (manifest.n_in, manifest.n_kept, manifest.n_rejected) == (12, 10, {"answer_missing": 2})
    monkeypatch.setattr("lorid_train.reinforcement.questions.records_of", lambda *a: [r.model_copy(update={"answer": ""}) for r in plain(*a)])  # fmt: skip
    with pytest.raises(
        InputError, match=r"none of 12 questions can be paid for \(12 answer_missing\)"
    ):
        train(rl.config(start, small_dataset, tmp_path / "other"))
