"""All that is looked at before anything is written: the adapter, its base, the questions, the settings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.records import iter_records
from lorid_data.schema import Record, Reject
from lorid_train import formats, roles
from lorid_train.config import ModelSettings, TrainConfig
from lorid_train.models import base_model
from lorid_train.models.adapters import folders_of, own_metadata
from lorid_train.models.base_model import Base
from lorid_train.models.fetching import fetch
from lorid_train.reinforcement import questions
from lorid_train.reinforcement.questions import Asked, Stored
from lorid_train.reinforcement.settings import RlConfig
from lorid_train.training import plan, processes, starts, tokens
from lorid_train.training.greedy_eval import GreedyEval, make_greedy_eval
from lorid_train.training.starts import Start

LIVE = (
    "reward 'agreement' pays for agreeing with the partner, whatever is right. Measured once (an undertrained IR, 320 "
    "questions): it lowered accuracy from 74.5 to 73.0 % greedy and from 70.4 to 69.8 % sampled, where labels fixed by "
    "consensus raised it to 79.5 and 76.3 %. Set allow_live_agreement: true to run it nevertheless"
)
BLIND = (
    "validation: name labelled questions on which accuracy is watched, {data: DIR, split: validation}; reward alone does "
    "not show when answers get worse. Or train with --blind, and the adapter's card says so"
)

_CHOSEN_ON_TEST = (
    "the step that is kept is the best one on these questions, so that test questions could test it no more; name a "
    "validation split"
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked run.

    Attributes:
        config: the run.
        training: the same as `sft` would have it: base, format, the adapter's LoRA settings.
        wanted: by the role's text, the prompt ids that `sft` trains on.
        exam: the validation questions; None where nobody looks.
    """

    config: RlConfig
    training: TrainConfig
    base: Base
    tokenizer: Any
    start: Start
    draws: Stored | None
    asked: list[Asked]
    rejects: list[Reject]
    wanted: dict[str, list[int]]
    exam: GreedyEval | None
    validation_sha256: str | None

    @property
    def format(self) -> formats.Format:
        """The adapter's."""
        return formats.on(self.training.format, self.training.template_date)

    @property
    def sampling(self) -> dict[str, Any]:
        """How the stored draws were drawn; empty where nothing says it."""
        return self.draws.sampling if self.draws is not None else {}

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the result."""
        c = self.config
        nameless = {"out", "data", "base", "init", "draws"}
        nameless |= {"model"} if c.model == ModelSettings() else set()
        said = c.model_dump(mode="json", exclude=nameless)
        if c.validation is not None:
            said["validation"] |= {"data": self.validation_sha256}
        return {
            **said,
            "dtype": self.training.dtype,
            "lora": self.training.for_role(c.role)[0],
            "format": self.training.format,
            "format_sha256": self.format.sha256,
            "template_date": self.training.template_date,
            "revision": self.base.revision,
            "base_sha256": self.base.fingerprint,
            "tokenizer_sha256": self.base.tokenizer,
            "init_sha256": {c.role: self.start.sha256},
            "data_sha256": {c.role: manifest_sha256(self.training.data_for(c.role))},
            "draws_sha256": None if self.draws is None else self.draws.sha256,
            "sampling": self.sampling,
        }


def prepare(config: RlConfig) -> Prepared:
    """Check a configuration with everything that it names.

    Raises:
        ConfigError: it cannot be run; nothing was written.
    """
    who = _checked(config)
    place = _place(config)
    folder = fetch(place).folder
    card = own_metadata(folder)
    draws = questions.stored(config.draws)
    data = config.data or str(draws.folder if draws else "")
    records = questions.records_of(config, draws)
    training = _as_sft(config, card, place, data)
    base = base_model.pinned(base_model.resolve(training.base, training.revision))
    tokenizer = base_model.load_tokenizer(base)
    base_model.check_tokenizer(tokenizer, base)
    plan.vocabulary_of(base)
    begun = starts.starts_of(training, base)
    training = starts.settled(training, begun)
    asked, rejects = questions.choose(config, draws, records)
    fmt = formats.on(training.format, training.template_date)
    asked, wanted, long = _fitting(asked, who, fmt, tokenizer, config.max_tokens)
    known = {r.problem_id for r in records}
    known |= {r.problem_id for r in begun[config.role].before or ()}
    exam, sha256 = _exam(config, who, fmt, tokenizer, known)
    return Prepared(
        config, training, base, tokenizer, begun[config.role], draws, asked, rejects + long, wanted, exam, sha256
    )  # fmt: skip


def _checked(config: RlConfig) -> roles.Role:
    who = roles.role(config.role)
    problems = _unpayable(who)
    if config.reward == "agreement" and not config.allow_live_agreement:
        problems.append(LIVE)
    if config.validation is None and not config.blind:
        problems.append(BLIND)
    if config.validation is not None and config.blind:
        problems.append("blind: and validation: say opposite things; remove one")
    if config.split == "test":
        problems.append("split: an adapter that was paid for test questions can be tested on them no more; name training questions")  # fmt: skip
    if config.validation is not None and config.validation.split == "test":
        problems.append(f"validation: {_CHOSEN_ON_TEST}")
    if processes.world_size() > 1:
        problems.append("rl trains in one process; start it without accelerate launch or torchrun")
    if os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true":
        problems.append("rl does not shard its model; start it without FSDP")
    if problems:
        raise ConfigError(*problems)
    return who


def _unpayable(who: roles.Role) -> list[str]:
    """Why no text of a role could be paid for."""
    problems = []
    if not who.states_answer:
        problems.append(f"role {who.name!r} states no answer that could be paid for; take ir or dr")
    if who.answer_from == "execution":
        problems.append(
            f"role {who.name!r} answers by a program, and none is run while it trains; take ir or dr"
        )
    if who.also:
        problems.append(f"role {who.name!r} is asked as {who.also} too; take ir or dr")
    return problems


def _place(config: RlConfig) -> str:
    """Where the adapter lies that `init` names: a folder, or a part of a repository.

    Raises:
        ConfigError: no adapter of this role there.
    """
    given = Path(config.init)
    if (given / "adapter_config.json").is_file():
        return config.init
    found = folders_of([config.init])
    if config.role not in found:
        msg = f"init: {config.init} holds no adapter of the role {config.role!r}; there are {', '.join(found)}"
        raise ConfigError(msg)
    return found[config.role]


def _as_sft(config: RlConfig, card: dict[str, Any], place: str, data: str) -> TrainConfig:
    """The run as `sft` would have it, so that both check, load and save alike."""
    import torch

    dtype = config.dtype or ("bfloat16" if torch.cuda.is_available() else "float32")
    named = str(card["base"]) if config.base is None else config.base
    return TrainConfig(
        base=named,
        revision=card.get("base_revision") if config.base is None and "@" not in named else None,
        data=data,
        out=config.out,
        init={config.role: place},
        roles=(config.role,),
        format=str(card.get("format")),
        template_date=str(card.get("template_date", formats.TEMPLATE_DATE)),
        split=config.split,
        limit=config.limit,
        max_tokens=config.max_tokens,
        dtype=dtype,
        model=config.model,
        seed=config.seed,
        threads=config.threads,
    )


def _fitting(
    asked: list[Asked], who: roles.Role, fmt: formats.Format, tokenizer: Any, n_most: int
) -> tuple[list[Asked], dict[str, list[int]], list[Reject]]:
    """The questions whose prompts are not too long, with the prompts as `sft` makes them.

    Raises:
        ConfigError: none is left.
    """
    kept, wanted, long = list[Asked](), dict[str, list[int]](), list[Reject]()
    for one in asked:
        # As a row of sft: any answer will do, since only the prompt is looked at.
        record = one.record.model_copy(update={"answer": one.record.answer or "0"})
        counts = tokens.RoleCounts()
        [row] = tokens.tokenise(who, [record], fmt, tokenizer, max_tokens=1 << 30, counts=counts)
        if row.n_prompt > n_most:
            long.append(questions.too_long(one.record, row.n_prompt, n_most))
            continue
        kept.append(one)
        wanted[one.content] = row.input_ids[: row.n_prompt]
    if not kept:
        msg = f"max_tokens: all {len(asked):,} prompts are longer than {n_most}"
        raise ConfigError(msg)
    return kept, wanted, long


def _exam(
    config: RlConfig, who: roles.Role, fmt: formats.Format, tokenizer: Any, trained: set[str]
) -> tuple[GreedyEval | None, str | None]:
    """The validation questions and the hash of their folder.

    Raises:
        ConfigError: none are labelled, some are of a test split, or are those that are trained on.
    """
    v = config.validation
    if v is None:
        return None, None
    folder = Path(v.data or config.data or config.draws or "")
    labelled: list[Record] = [
        r for r in iter_records(folder) if r.split == v.split or v.split is None
    ]
    labelled = [r for r in labelled if r.answer]
    if n := sum(r.split == "test" for r in labelled):
        raise ConfigError(
            f"validation: {n:,} of its questions are of a test split; {_CHOSEN_ON_TEST}"
        )
    if both := [r for r in labelled if r.problem_id in trained]:
        msg = (
            f"validation: {len(both):,} of its questions are trained on or were before, {both[0].question[:60]!r} for one; "
            "name others under validation"
        )
        raise ConfigError(msg)
    exam = make_greedy_eval(who, labelled, fmt, tokenizer, v.limit)
    if not exam.prompts:
        msg = f"validation: {folder} has no labelled question of split {v.split!r} that {who.name} could be asked"
        raise ConfigError(msg)
    return exam, manifest_sha256(folder)
