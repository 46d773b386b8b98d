"""Who is asked, and what each answer is worth: questions, stored draws and labels put together.

A question without a label is passed over, and so is one whose stored draws would all have been paid
alike: its group of answers would teach nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.answers import reference
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.evaluations import DRAWS
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import iter_records
from lorid_data.folders.verified import verify
from lorid_data.schema import Disposition, Manifest, Record, Reject, RejectReason
from lorid_data.texts.counting import count
from lorid_train.drawn.labels import Label, labels_of, read_labels
from lorid_train.drawn.rows import STAGE as EXPORTED
from lorid_train.interaction.draws import Draw
from lorid_train.interaction.rules import SAMPLED, answer_of
from lorid_train.metrics.grading import score
from lorid_train.metrics.rows import Verdict
from lorid_train.reinforcement import rewards
from lorid_train.reinforcement.rewards import Payment
from lorid_train.reinforcement.settings import RlConfig
from lorid_train.report.reading import DrawFile
from lorid_train.roles import Role, knowledge_text, role

STAGE = "rl"
PARTNER = {"ir": "dr", "dr": "ir"}
SAMPLING = ("temperature", "top_p", "top_k", "max_new_tokens")
"""Settings of an evaluation that decide how its draws were drawn."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that is asked: its record, the role's text, and what an answer is worth."""

    record: Record
    content: str
    pay: Payment


@dataclass(frozen=True, slots=True)
class Stored:
    """Stored draws: an evaluation, or what was exported from one.

    Attributes:
        folder: where they are.
        manifest: of the folder.
        file: the draws themselves; None in an exported folder.
    """

    folder: Path
    manifest: Manifest
    file: DrawFile | None

    @property
    def sampling(self) -> dict[str, Any]:
        """How they were drawn; empty where the folder does not say it."""
        said = self.manifest.identity
        return {k: said[k] for k in SAMPLING if k in said}

    @property
    def sha256(self) -> str:
        """Of the folder's manifest."""
        return manifest_sha256(self.folder)


def stored(folder: str | None) -> Stored | None:
    """The stored draws that a configuration names, their files checked.

    Raises:
        ConfigError: neither an evaluation nor an exported folder.
    """
    if folder is None:
        return None
    path = Path(folder)
    manifest = read_manifest(path)
    if manifest.stage not in ("evaluate", EXPORTED):
        msg = f"draws: {path} is a folder of {manifest.stage!r}; name one of lorid-train evaluate or export-draws"
        raise ConfigError(msg)
    verify(path, manifest)
    file = DrawFile(path / DRAWS) if manifest.stage == "evaluate" else None
    return Stored(path, manifest, file)


def records_of(config: RlConfig, draws: Stored | None) -> list[Record]:
    """The questions that could be asked, each once.

    Raises:
        ConfigError: nobody says which, or some are of a test split.
        InputError: there are none.
    """
    if config.data is not None:
        folder, all_records = Path(config.data), iter_records(Path(config.data))
        of_split: Iterable[Record] = (r for r in all_records if config.split in (None, r.split))
    elif draws is not None and draws.file is not None:
        folder, of_split = draws.folder, read_rows(draws.folder / RECORDS, Record)
    else:
        msg = "data: name the dataset folder with the questions, or an evaluation under draws, which holds them"
        raise ConfigError(msg)
    found: dict[str, Record] = {}
    for r in of_split:
        if len(found) == config.limit:
            break
        found.setdefault(r.problem_id, r)
    if not found:
        raise InputError(f"{folder}: no rows of split {config.split!r}")
    if n := sum(r.split == "test" for r in found.values()):
        msg = (
            f"{folder}: {count(n, 'question')} of {len(found):,} are of a test split, and an adapter that was paid for "
            "them can be tested on them no more; name training questions"
        )
        raise ConfigError(msg)
    return list(found.values())


def choose(
    config: RlConfig, draws: Stored | None, records: Iterable[Record]
) -> tuple[list[Asked], list[Reject]]:
    """The questions that are asked, and the others with the reason.

    Raises:
        ConfigError: rewards and draws that do not fit together.
        InputError: nobody is left to be asked.
    """
    of = _payments(config, draws)
    who = role(config.role)
    asked, rejects = list[Asked](), list[Reject]()
    for record in records:
        found = _unfit(who, record) or of(record)
        if isinstance(found, RejectReason):
            rejects.append(_reject(record, found))
            continue
        content = who.content(record.question, knowledge_text(record.knowledge))
        asked.append(Asked(record, content, found))
    if not asked:
        why: dict[str, int] = {}
        for r in rejects:
            why[r.reason] = why.get(r.reason, 0) + 1
        said = ", ".join(f"{n} {reason}" for reason, n in sorted(why.items()))
        msg = f"reward {config.reward!r}: none of {len(rejects):,} questions can be paid for ({said}); store more rounds, or choose another reward"
        raise InputError(msg)
    return asked, rejects


def _unfit(who: Role, record: Record) -> RejectReason | None:
    if who.needs_knowledge and not record.knowledge:
        return RejectReason.KNOWLEDGE_EMPTY
    return None


def _reject(record: Record, reason: RejectReason) -> Reject:
    return Reject(
        row_id=record.row_id, stage=STAGE, disposition=Disposition.DROP, reason=reason,
        detail=reason.sentence, problem_id=record.problem_id, split=record.split,
    )  # fmt: skip


def too_long(record: Record, n_tokens: int, n_most: int) -> Reject:
    """The reject of a question whose prompt is too long."""
    made = _reject(record, RejectReason.TOO_LONG)
    return made.model_copy(update={"detail": f"{n_tokens} prompt tokens, at most {n_most}"})


_Of = Callable[[Record], "Payment | RejectReason"]


def _payments(config: RlConfig, draws: Stored | None) -> _Of:
    """By question, what its answers are worth, or why it is passed over."""
    if config.reward == "gold":
        return _of_gold(config, draws)
    if config.reward == "agreement":
        return _of_partner(config, draws)
    if draws is None:
        msg = "reward 'consensus' is fixed from stored draws; name an evaluation, or a folder of export-draws, under draws"
        raise ConfigError(msg)
    labels = _labels(config, draws)

    def of(record: Record) -> Payment | RejectReason:
        label = labels(record)
        if label is None or label.label is None:
            return RejectReason.DRAWS_DISAGREE
        if not label.has_signal:
            return RejectReason.DRAWS_ALL_ALIKE
        return rewards.for_label(label.label)

    return of


def _labels(config: RlConfig, draws: Stored) -> Callable[[Record], Label | None]:
    """The label of a question, by a rule that does not see the gold answer."""
    if draws.file is None:
        kept = {row.problem_id: row for row in read_labels(draws.folder, config.role)}
        rules = {row.rule for row in kept.values()}
        if not kept or rules & {"gold", "none"}:
            what = "no labels of this role" if not kept else f"labels by the rule {min(rules)!r}"
            msg = (
                f"draws: {draws.folder} holds {what}, and reward 'consensus' pays for agreed ones; export with "
                f"--rule consensus --roles {config.role}"
            )
            raise ConfigError(msg)
        return lambda record: kept.get(record.problem_id)
    file = draws.file

    def of(record: Record) -> Label | None:
        found = file(record.problem_id)
        [label] = labels_of(record.problem_id, record.question, found, config.rule, [config.role])
        return label

    return of


def _of_gold(config: RlConfig, draws: Stored | None) -> _Of:
    """The reference answer; of questions with stored draws, those that were neither all right nor all wrong."""
    signal = _signal(config, draws)

    def of(record: Record) -> Payment | RejectReason:
        if not record.answer:
            return RejectReason.ANSWER_MISSING
        if not signal(record):
            return RejectReason.DRAWS_ALL_ALIKE
        return rewards.for_gold(reference(record.answer, record.accepted))

    return of


def _signal(config: RlConfig, draws: Stored | None) -> Callable[[Record], bool]:
    """Whether a question's stored draws are paid differently; true where none are stored."""
    if draws is None:
        return lambda _: True
    if draws.file is None:
        kept = {row.problem_id: row for row in read_labels(draws.folder, config.role)}
        if any(row.rule != "gold" for row in kept.values()):
            msg = (
                f"draws: {draws.folder} was not exported by the rule gold, so that it does not say which draws are right; "
                "name the evaluation, or export with --rule gold"
            )
            raise ConfigError(msg)
        return lambda r: r.problem_id not in kept or kept[r.problem_id].has_signal
    file = draws.file

    def of(record: Record) -> bool:
        own = _sampled(file(record.problem_id), config.role)
        gold = reference(record.answer, record.accepted)
        right = {score(answer_of(d.text), gold) == Verdict.CORRECT for d in own}
        return len(right) != 1

    return of


def _of_partner(config: RlConfig, draws: Stored | None) -> _Of:
    """Agreement with a draw of the frozen partner, as stored."""
    if draws is None or draws.file is None:
        msg = "reward 'agreement' needs the partner's draws; name an evaluation under draws"
        raise ConfigError(msg)
    if config.role not in PARTNER:
        msg = f"reward 'agreement': the role {config.role!r} has no partner; take ir or dr"
        raise ConfigError(msg)
    file = draws.file

    def of(record: Record) -> Payment | RejectReason:
        theirs = _sampled(file(record.problem_id), PARTNER[config.role])
        answers = [answer_of(d.text) for d in theirs]
        if not any(a is not None for a in answers):
            return RejectReason.DRAWS_DISAGREE
        return rewards.for_partner(answers)

    return of


def _sampled(draws: Iterable[Draw], name: str) -> list[Draw]:
    return [d for d in draws if d.condition == SAMPLED and d.role == name]


def by_reason(rejects: Iterable[Reject]) -> Mapping[str, int]:
    """How many were passed over, by reason."""
    found: dict[str, int] = {}
    for r in rejects:
        found[r.reason] = found.get(r.reason, 0) + 1
    return dict(sorted(found.items()))
