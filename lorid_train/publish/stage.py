"""`publish RUN REPO_ID`: the adapters of a run onto the Hub, each in one commit, loaded back.

A repository per role, `REPO_ID-IR`, `-KG` and `-DR`, as LoRID-Math has them, or one with a folder
for each. What is sent is written first, whole; a repository that has it already is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.manifests import read_manifest
from lorid_data.hub.calls import Patience, check_repo_id
from lorid_data.hub.publishing import (
    check_revision,
    client,
    patience_of,
    state_before,
    workplace,
    write_card,
)
from lorid_data.hub.push import Push, Pushed
from lorid_data.hub.state import Diff, Target, compare, local_files
from lorid_data.schema import FrozenModel
from lorid_train.models import base_model
from lorid_train.models.adapters import WEIGHTS
from lorid_train.models.fitting import refuse_misfit, without_weights
from lorid_train.publish.card import CardFields, Evaluation, adapter_card, read_evaluation
from lorid_train.publish.contents import TrainedAdapter, public_base, read_role, stage_adapter
from lorid_train.publish.verify import check_files, check_logits, download
from lorid_train.roles import ROLES


class PublishOptions(FrozenModel):
    """Options of `publish`."""

    repo_id: str
    one_repo: bool = False
    """One repository with a folder per role, instead of one repository each."""
    evaluations: tuple[Path, ...] = ()
    base_id: str | None = None
    """What a base model that was a folder is called on the Hub: OWNER/NAME[@REVISION]."""
    dataset_id: str | None = None
    licence: str | None = None
    tag: str | None = None
    revision: str = "main"
    private: bool = False
    create_pr: bool = False
    check_logits: bool = True
    """Load the base model and compare logits; where it is too large for this machine, the files
    alone are compared."""


@dataclass(frozen=True, slots=True)
class Package:
    """One repository to be: its id, its roles, its folder and its tag."""

    repo_id: str
    roles: tuple[TrainedAdapter, ...]
    folder: Path
    tag: str


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one repository; `pushed` is None in a dry run."""

    repo_id: str
    pushed: Pushed | None
    diff: Diff | None


def publish(
    run: Path,
    options: PublishOptions,
    *,
    dry_run: Path | None = None,
    patience: Patience | None = None,
) -> list[Published]:
    """Publish the adapters of a finished run; do nothing where the Hub has them already.

    Raises:
        ConfigError: a wrong option, or a run that cannot be published; nothing was sent.
        StageError: a head has moved, the Hub kept failing, or what came back differs.
    """
    targets = _targets(run, options)
    if dry_run is not None and dry_run.exists():
        msg = f"{dry_run}: exists; choose another --out"
        raise ConfigError(msg)
    for _, roles in targets:
        for role in roles:
            _check_fit(role, options)
    is_dry = dry_run is not None
    patience = patience or patience_of(dry_run=is_dry)
    api = client()
    starts = {t.repo_id: state_before(api, t, patience, dry_run=is_dry) for t, _ in targets}
    with workplace(dry_run) as out:
        packages = _write(options, targets, out)
        done = []
        for (target, _), package in zip(targets, packages, strict=True):
            start = starts[package.repo_id]
            owned = {"prompts", *(r.name for r in package.roles)}
            here = local_files(package.folder)
            diff = None if start is None else compare(here, start.files, owned)
            pushed = None
            if dry_run is None and start is not None:
                message = f"Publish {target.repo_id.partition('/')[2]} as {package.tag}"
                push = Push(api, target, package.folder, owned, message, package.tag, patience)
                pushed = push.run(start)
            done.append(Published(package.repo_id, pushed, diff))
        if dry_run is None:
            _verify(packages, done, options, patience)
        return done


def _targets(run: Path, options: PublishOptions) -> list[tuple[Target, tuple[TrainedAdapter, ...]]]:
    check_repo_id(options.repo_id)
    for value in (options.base_id, options.dataset_id):
        if value is not None:
            check_repo_id(value.partition("@")[0])
    check_revision(options.revision, options.tag, create_pr=options.create_pr)
    read_manifest(run)
    names = [n for n in ROLES if (run / "adapters" / n).is_dir()]
    if not names:
        msg = f"{run}: no adapters there; name a folder that lorid-train sft has finished"
        raise ConfigError(msg)
    roles = tuple(read_role(run, n) for n in names)
    groups = [roles] if options.one_repo else [(r,) for r in roles]
    return [(_target(options, group), group) for group in groups]


def _check_fit(role: TrainedAdapter, options: PublishOptions) -> None:
    """Hold an adapter against its base's configuration, before anything is sent.

    Raises:
        ConfigError: `evaluate` would refuse it; or the base cannot be had, and its logits are asked for.
    """
    try:
        base = base_model.resolve(str(role.card["base"]), role.card.get("base_revision"))
        model = without_weights(base)
    except ConfigError as e:
        if options.check_logits:
            raise
        say(f"warning: {role.folder}: not held against its base model ({e})")
        return
    refuse_misfit(role.folder, base, model)


def _target(options: PublishOptions, group: tuple[TrainedAdapter, ...]) -> Target:
    suffix = "" if options.one_repo else f"-{group[0].name.upper()}"
    return Target(
        check_repo_id(f"{options.repo_id}{suffix}"),
        "model",
        options.revision,
        options.private,
        options.create_pr,
    )


def _write(
    options: PublishOptions,
    targets: list[tuple[Target, tuple[TrainedAdapter, ...]]],
    out: Path,
) -> list[Package]:
    """Write every repository's folder, its card last."""
    everyone = [r for _, group in targets for r in group]
    weights = {r.name: sha256_file(r.folder / WEIGHTS) for r in everyone}
    evaluations = [read_evaluation(e, weights) for e in options.evaluations]
    base = public_base(everyone[0], options.base_id)
    repos = {
        r.name: f"{t.repo_id}:{r.name}" if options.one_repo else t.repo_id
        for t, group in targets
        for r in group
    }
    packages = []
    for target, group in targets:
        folder = out / target.repo_id.partition("/")[2]
        for role in group:
            stage_adapter(role, folder / role.name if options.one_repo else folder, base)
        packages.append(_finish(options, target, group, folder, evaluations, base, repos))
    return packages


def _finish(
    options: PublishOptions,
    target: Target,
    group: tuple[TrainedAdapter, ...],
    folder: Path,
    evaluations: list[Evaluation],
    base: tuple[str, str | None],
    repos: dict[str, str],
) -> Package:
    """Write the card into a repository's folder."""

    def card(tag: str) -> str:
        words = CardFields(options.licence, options.dataset_id, base, repos, tag)
        return adapter_card(group, evaluations, words, target.repo_id)

    return Package(target.repo_id, group, folder, write_card(folder, card, options.tag))


def _verify(
    packages: list[Package], done: list[Published], options: PublishOptions, patience: Patience
) -> None:
    """Load everything back: files first, then logits on one load of the base model."""
    found = []
    for package, result in zip(packages, done, strict=True):
        assert result.pushed is not None, "only a dry run sends nothing"
        where = f"{package.repo_id}@{result.pushed.revision}"
        folder = download(package.repo_id, result.pushed.revision, patience)
        check_files(package.folder, folder, where)
        found += [
            (r, folder / r.name if options.one_repo else folder, where) for r in package.roles
        ]
    if not options.check_logits:
        return
    card = found[0][0].card
    base = base_model.resolve(str(card["base"]), card.get("base_revision"))
    tokenizer = base_model.load_tokenizer(base)
    model = base_model.load_model(base, "float32")
    for role, folder, where in found:
        model = check_logits(model, tokenizer, role, folder, where)
