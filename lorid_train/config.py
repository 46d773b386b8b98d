"""Configurations: read from YAML, checked whole, resolved, hashed.

A configuration is refused with all its problems at once, before anything is written; the nearest
known key is named for an unknown one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lorid_data.commandline.meant import taken_for_numbers
from lorid_data.errors import ConfigError, sentences
from lorid_data.pass_rates import Band

STUDENT = "student"
"""The name under which the packaged tiny student is asked for."""


SEEDS = 2**32
"""Seeds of a training are 0 to this, exclusive: NumPy's generators take no others."""
DRAW_SEEDS = 2**62
"""Seeds of draws lie between minus this and this: a table's column of whole numbers holds 64 bits."""


class Settings(BaseModel):
    """Base of configurations: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Validation(Settings):
    """What a training run is measured on while it goes on.

    How often, and what counts as best, are fields of `trl.SFTConfig`: `eval_strategy`,
    `eval_steps`, `metric_for_best_model` (`loss` or `accuracy`), `load_best_model_at_end`.
    """

    split: str | None = "validation"
    """Which split; null takes all rows."""
    data: str | dict[str, str] | None = None
    """A dataset folder, or one per role; null takes the training run's."""
    limit: int | None = Field(default=None, ge=1)
    """At most so many rows per role, from the front."""
    greedy: int = Field(default=0, ge=0)
    """So many of them are also answered by greedy decoding, and the answers graded."""
    max_new_tokens: int = Field(default=512, ge=1)
    patience: int | None = Field(default=None, ge=1)
    """Stop after so many evaluations without a better one, and keep the best adapter."""


class Quantization(Settings):
    """bitsandbytes' quantisation of the frozen base (QLoRA); names as in `transformers.BitsAndBytesConfig`."""

    load_in_4bit: bool = False
    load_in_8bit: bool = False
    bnb_4bit_quant_type: Literal["nf4", "fp4"] = "nf4"
    bnb_4bit_use_double_quant: bool = False
    """The scales of the 4-bit blocks quantised too: 0.4 bits less per weight."""
    bnb_4bit_compute_dtype: Literal["float32", "bfloat16", "float16"] | None = None
    """Type of the matrix products; null takes the run's `dtype`."""


class ModelSettings(Settings):
    """How the base model is held in memory; names as in `transformers`' `from_pretrained`.

    There is no `device_map`: the roles are trained on the device of their process.
    """

    attn_implementation: (
        Literal["eager", "sdpa", "flex_attention", "flash_attention_2", "flash_attention_3"] | None
    ) = None
    """Null leaves the choice to transformers. Kernels of the Hub, which are code, have no name here."""
    quantization: Quantization | None = None


class Difficulty(Settings):
    """Which rows are trained on by how hard they are; of datasets that `lorid-data difficulty` has seen."""

    by: str = "ir"
    """The role whose pass rate says it."""
    judge: str | None = Field(default=None, pattern="^[0-9a-f]{1,64}$")
    """Where several adapters played the role: the first digits of the one's hash, as `lorid-data difficulty` says it."""
    band: Band | None = None
    """Train on rows whose pass rate lies here, ends included: [0.1, 0.9]; null takes all."""
    unknown: Literal["drop", "keep"] = "drop"
    """What becomes of rows without a pass rate where there is a band."""
    order: Literal["shuffled", "easy_first", "hard_first", "weighted"] = "shuffled"
    """The order within an epoch; `weighted` draws with replacement, by p (1 − p). Rows without a pass
    rate stand where the mean does."""


class TrainConfig(Settings):
    """One training run: a base model, the roles' datasets, LoRA and optimiser.

    `roles` may be any of `lorid_train.roles.ROLES`.

    The defaults are the paper's (official repository at 284c947, src/train.py:111-148). Keys of
    `lora` are those of `peft.LoraConfig`, keys of `sft` those of `trl.SFTConfig`, unrenamed.
    """

    base: str
    """`student` (the packaged one), a local folder, or a Hub id, with or without `@REVISION`."""
    revision: str | None = None
    """Commit of a Hub id; give one, so that a run can be repeated."""
    data: str | dict[str, str]
    """A dataset folder for all roles, or one per role: {ir: DIR, kg: DIR, …}."""
    out: str
    init: str | dict[str, str] | None = None
    """A run, or one adapter per role, to go on from; `lora` is then that of these adapters."""
    method: Literal["sft", "dpo", "redi"] = "sft"
    """What is learnt from: rows (`sft`), or pairs of `export-draws --pairs`; the latter go on from `init`."""
    roles: tuple[str, ...] = Field(default=("ir", "kg", "dr"), min_length=1)
    format: str = "plain"
    """`chat` stands for its newest version, `chat.v2`."""
    template_date: str = "2024-07-26"
    """The day that a chat template is told where it writes the date; adapters carry it."""
    split: str | None = "train"
    """Which split of the datasets to train on; null takes all rows."""
    limit: int | None = Field(default=None, ge=1)
    """At most so many rows per role, from the front."""
    max_tokens: int = Field(default=2048, ge=8)
    """Longest prompt plus target; a longer row is rejected, never cut."""
    dtype: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    """Type of the frozen base; adapters are float32."""
    model: ModelSettings = ModelSettings()
    """What a base needs on a GPU; changes nothing where it is left out."""
    seed: int = Field(default=42, ge=0, lt=SEEDS)
    threads: int | None = Field(default=None, ge=1)
    """CPU threads; null leaves the choice to PyTorch. Results are equal at equal threads."""
    lora: dict[str, Any] = Field(default_factory=dict)
    sft: dict[str, Any] = Field(default_factory=dict)
    dpo: dict[str, Any] = Field(default_factory=dict)
    """Of `trl.DPOConfig`, for the methods `dpo` and `redi`, in the place of `sft`."""
    redi_alpha: float = Field(default=0.8, ge=0)
    """How much the rejected text of a pair counts with `method: redi`; the paper's 0.8."""
    validation: Validation | None = None
    difficulty: Difficulty | None = None
    """`[0.1, 0.9]` stands for `{by: ir, band: [0.1, 0.9]}`."""
    per_role: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)
    """Changes for one role: {kg: {sft: {num_train_epochs: 1}, lora: {r: 8}}}."""
    trainable_tokens: dict[str, Literal["new", "targets"] | tuple[str, ...]] = Field(
        default_factory=dict
    )
    """By role, tokens whose embeddings are trained too and kept in the adapter: `new`, those that its
    targets have and the solutions of the same rows lack; `targets`, all of its targets; or their texts."""

    @field_validator("difficulty", mode="before")
    @classmethod
    def _as_band(cls, given: Any) -> Any:
        """A band alone is as good as a mapping that holds it."""
        return {"band": given} if isinstance(given, list | tuple) else given

    def for_role(self, role: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """LoRA and SFT settings of one role: the paper's, the run's, the role's."""
        own = self.per_role.get(role, {})
        lora = {**PAPER_LORA, **self.lora, **own.get("lora", {})}
        sft = {**PAPER_SFT, **self.sft, **own.get("sft", {})}
        return lora, sft

    def data_for(self, role: str) -> Path:
        """The dataset folder of one role."""
        return Path(self.data if isinstance(self.data, str) else self.data[role])

    def validation_for(self, role: str) -> Path:
        """The dataset folder that one role is measured on; of a run with `validation` only."""
        data = (self.validation and self.validation.data) or self.data
        return Path(data if isinstance(data, str) else data[role])


AT_ONCE = 64
"""Texts that an evaluation generates at once in this process, where nothing else was asked for."""
PAPER_LORA: dict[str, Any] = {
    "r": 512,
    "lora_alpha": 1024,
    "lora_dropout": 0.1,
    "target_modules": ["q_proj", "v_proj"],
}
PAPER_SFT: dict[str, Any] = {
    "learning_rate": 5e-5,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 0.03,
    "num_train_epochs": 5,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 4,
    "gradient_checkpointing": True,
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
}


class EvalConfig(Settings):
    """One evaluation. What decides the draws is `identity`; the rest may change on resume."""

    adapters: dict[str, str]
    """Per role an adapter folder, or `model:` and a base that plays it as it is; those that no draw
    needs are left alone."""
    base: str | None = None
    """Base model, where the adapters do not say it."""
    format: str | None = None
    """Prompt format of adapters that another program trained, where their files do not say it."""
    formats: dict[str, str] = Field(default_factory=dict)
    """Of roles that a whole model plays: FORMAT, a prompt file, or FORMAT:FILE; `chat` by default."""
    dataset: str
    out: str
    split: str | None = None
    limit: int | None = Field(default=None, ge=1)
    engine: Literal["transformers", "server"] = "transformers"
    server: tuple[str, ...] = ()
    """Base URLs of vLLM servers, `/v1` included; for the engine `server` only."""
    served: dict[str, str] = Field(default_factory=dict)
    """Name of each role's adapter on the servers, the role's own by default; NAME@URL,URL for
    servers of its own."""
    rounds: int = Field(default=20, ge=1)
    schedule: Literal["lazy", "exhaustive"] = "lazy"
    rule: Literal[
        "same_round", "cumulative", "weighed", "any_two", "cg_must_agree", "cg_alone", "cg_repeat", "cg_votes"
    ] = "same_round"  # fmt: skip
    rule_file: str | None = None
    """What `lorid-train fit-rule` wrote: the weights of `weighed`, and every answer's probability;
    null takes the packaged one."""
    abstain_below: float | None = Field(default=None, ge=0, le=1)
    """Answers of the loop with a lower probability of being right are withheld."""
    votes_file: str | None = None
    """What `lorid-train fit-votes` wrote: what the rule `cg_votes` counts; null counts one vote each."""
    fallback: Literal["none", "ir", "dr", "majority", "cg"] = "ir"
    temperature: float = Field(default=1.5, gt=0)
    top_p: float = Field(default=0.9, gt=0, le=1)
    top_k: int = Field(default=50, ge=0)
    max_new_tokens: int = Field(default=1024, ge=1)
    """Like `temperature`, `top_p` and `top_k`: for the packaged student the quickstart's where not set
    (0.8, 1, 0, 128)."""
    seed: int = Field(default=0, gt=-DRAW_SEEDS, lt=DRAW_SEEDS)
    seeds: int = Field(default=1, ge=1, lt=DRAW_SEEDS)
    """Sampled draws are repeated under seed, seed + 1, …: so many in all."""
    loop: bool = True
    """Whether to run the interaction loop; without it, IR alone is sampled `rounds` times."""
    votes: Literal["all", "ir", "none"] = "all"
    """Which roles are drawn on after the loop, for majority voting at its cost in tokens."""
    samples: dict[str, int] = Field(default_factory=dict)
    """Rounds that are drawn of a role whatever the loop needs, those of the loop counted: {ir: 40}.

    DR's come with KG's; `gold-knowledge` are DR's on the dataset's own. Of every problem, under
    every seed.
    """
    greedy: tuple[str, ...] = ("ir", "gold-knowledge", "kg-knowledge")
    """Greedy systems: roles that read the question alone, and DR by whose knowledge it reads."""
    targets: tuple[str, ...] = ()
    """Numbers reported by others, shown beside ours: `DATASET | MODEL | METHOD | ACCURACY | SOURCE`."""
    text: str | None = None
    """A text file to measure forgetting on: the loss of the base against that of each adapter."""
    allow_trained_questions: bool = False
    """Whether to evaluate on questions that the adapters were trained on; the report says so first."""
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    """null: float32 on a CPU, bfloat16 on a GPU."""
    batch_size: int | None = Field(default=None, ge=1)
    """Rows generated at once; null: 64, and on servers 256 requests in flight for each."""
    merged: bool = False
    """Each adapter merged into weights of its own: more memory, fewer operations per token."""
    threads: int | None = Field(default=None, ge=1)


_M = TypeVar("_M", bound=BaseModel)


def only_roles(body: Mapping[str, Any], roles: Sequence[str]) -> dict[str, Any]:
    """A training file's settings with these roles alone: what it says of its other roles is left out.

    What it says of a role that neither it nor `roles` names stays, and is refused as a typing error.
    """
    named = body.get("roles")
    of_file = named if isinstance(named, list) else TrainConfig.model_fields["roles"].default
    others = {r for r in of_file if isinstance(r, str)} - set(roles)
    by_role = {
        key: {r: v for r, v in body[key].items() if r not in others}
        for key in ("per_role", "trainable_tokens")
        if isinstance(body.get(key), Mapping)
    }
    return {**body, **by_role, "roles": list(roles)}


def parse(model: type[_M], body: Mapping[str, Any], where: str) -> _M:
    """A checked configuration.

    Raises:
        ConfigError: with one sentence per problem; `where` says where to correct it.
    """
    try:
        made = model.model_validate(dict(body))
    except ValidationError as e:
        raise ConfigError(*sentences(e.errors(), model.model_fields, where)) from None
    if problems := [f"{where}: {p}" for p in taken_for_numbers(body, made)]:
        raise ConfigError(*problems)
    return made
