"""The whole pipeline on one page: `run CONFIG.yaml`.

Each stage reads the folder of the one before it and writes its own, below `out`:

    build → choose → expand → validate → dedup → decontaminate → programs → split → audit (adds its files to the folder of the stage before it)

A stage that is done is passed over; an interrupted one goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lorid_data.audit.stage import AuditOptions, audit, check_options
from lorid_data.audit.stage import problems as audit_problems
from lorid_data.audit.stage import summary as audit_summary
from lorid_data.build.choose import ChooseOptions, choose
from lorid_data.build.stage import BuildOptions, build
from lorid_data.commandline.meant import taken_for_numbers
from lorid_data.commandline.progress import say
from lorid_data.decontaminate.stage import DecontaminateOptions, decontaminate
from lorid_data.dedup.stage import DedupOptions, dedup
from lorid_data.errors import IN_QUOTES, ConfigError, StageError, sentences, unknown_key
from lorid_data.expand.stage import ExpandOptions, expand
from lorid_data.folders.manifests import read_manifest
from lorid_data.programs.stage import ProgramOptions, check_programs, programs
from lorid_data.schema import FrozenModel, Manifest, RejectReason
from lorid_data.split.stage import SplitOptions, split
from lorid_data.texts.counting import count
from lorid_data.validate.stage import validate


class ValidateSection(FrozenModel):
    """`validate:` of a configuration; it has no options."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the pipeline.

    Attributes:
        name: its section in the configuration, and its folder below `out`.
        section: the options it takes.
        run: (options, folder read or None, folder written, processes for its rows) → manifest.
        adds: whether it adds files to the folder it reads, and writes none of its own.
        check: raises ConfigError for options that cannot work, before any stage has begun.
    """

    name: str
    section: type[FrozenModel]
    run: Callable[[Any, Path | None, Path, int], Manifest]
    adds: bool = False
    check: Callable[[Any], object] | None = None


def _build(options: BuildOptions, _: Path | None, out: Path, _n_workers: int) -> Manifest:
    return build(options, out)


def _between(
    work: Callable[..., Manifest], *, is_spread: bool = False
) -> Callable[[Any, Path | None, Path, int], Manifest]:
    """A stage that reads a folder and writes one, from (folder read, folder written, options).

    Args:
        work: the stage.
        is_spread: whether it also takes `n_workers`, the processes for its rows.
    """

    def run(options: Any, folder: Path | None, out: Path, n_workers: int) -> Manifest:
        assert folder is not None, "the first stage reads no folder"
        return work(folder, out, options, **({"n_workers": n_workers} if is_spread else {}))

    return run


def _validate(folder: Path, out: Path, _: ValidateSection, *, n_workers: int) -> Manifest:
    return validate(folder, out, n_workers=n_workers)


def _audit(options: AuditOptions, folder: Path | None, _: Path, n_workers: int) -> Manifest:
    assert folder is not None, "the first stage reads no folder"
    result = audit(folder, options, n_workers=n_workers)
    say(audit_summary(result, folder))
    messages = audit_problems(result)
    if messages:
        # Later stages must not go on from a folder that is refused here.
        raise StageError("\n".join(messages))
    return read_manifest(folder)


STAGES: tuple[Stage, ...] = (
    Stage("build", BuildOptions, _build),
    Stage("choose", ChooseOptions, _between(choose)),
    Stage("expand", ExpandOptions, _between(expand)),
    Stage("validate", ValidateSection, _between(_validate, is_spread=True)),
    Stage("dedup", DedupOptions, _between(dedup, is_spread=True)),
    Stage("decontaminate", DecontaminateOptions, _between(decontaminate, is_spread=True)),
    Stage("programs", ProgramOptions, _between(programs, is_spread=True), check=check_programs),
    Stage("split", SplitOptions, _between(split)),
    Stage("audit", AuditOptions, _audit, adds=True, check=check_options),
)
"""In their order. `build` or `from` must stand in the configuration; a later stage runs if it is named."""
START = "from"
"""The key of a finished dataset folder to begin with, in the place of `build`."""


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """A checked configuration: where to, the options of each stage that is to run, and what the first one reads."""

    out: Path
    sections: Mapping[str, FrozenModel]
    start: Path | None = None


def read_config(body: Mapping[str, Any], where: str) -> PipelineConfig:
    """Check a configuration whole.

    Args:
        body: `{out: FOLDER, build: {source: …, teacher: …}, validate: {}}`, or `from: FOLDER` for `build: …`.
        where: the file, for messages.

    Raises:
        ConfigError: with every problem.
    """
    names = {s.name: s for s in STAGES}
    known = ("out", START, *names)
    problems = [unknown_key(k, known, where) for k in body if k not in known]
    if not isinstance(body.get("out"), str):
        hint = "" if body.get("out") is None else f", got {body['out']!r}; {IN_QUOTES}"
        problems.append(f"{where}: 'out' must name the folder to write{hint}")
    start = body.get(START)
    if "build" not in body and start is None:
        problems.append(
            f"{where}: missing section 'build' (source, teacher, …), or 'from', a finished dataset folder"
        )
    if start is not None and ("build" in body or not isinstance(start, str)):
        problems.append(f"{where}: 'from' names a finished dataset folder, in the place of 'build'")
    sections: dict[str, FrozenModel] = {}
    for name, stage in names.items():
        if name in body:
            value = {} if body[name] is None else body[name]
            try:
                made = sections[name] = stage.section.model_validate(value)
                problems += [f"{where}: {name}: {p}" for p in taken_for_numbers(value, made)]
            except ValidationError as e:
                problems += sentences(e.errors(), stage.section.model_fields, f"{where}: {name}")
    built = sections.get("build")
    if "choose" in sections and isinstance(built, BuildOptions) and not built.is_side_by_side:
        problems.append(
            f"{where}: choose: 'build' asks for one reply a row; name several teachers or samples there"
        )
    if problems:
        raise ConfigError(*problems)
    return PipelineConfig(Path(body["out"]), sections, Path(start) if start else None)


def run(
    config: PipelineConfig,
    *,
    n_workers: int = 1,
    around: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> dict[str, Manifest]:
    """Run the stages in their order; the manifest of each that was run, by name.

    A stage that keeps no row is the last: what comes after it would have nothing to do.

    Args:
        config: what is to run.
        n_workers: processes for the rows of each stage that spreads them.
        around: what stands around each stage, by its name.

    Raises:
        ConfigError: the options of any stage cannot work; no stage has begun.
        LoridError: what a stage raised; the stages before it are done and stay.
    """
    for stage in STAGES:
        if stage.name in config.sections and stage.check is not None:
            stage.check(config.sections[stage.name])
    manifests: dict[str, Manifest] = {}
    folder = config.start
    for stage in STAGES:
        if stage.name in config.sections:
            out = config.out / stage.name
            with around(stage.name):
                manifest = stage.run(config.sections[stage.name], folder, out, n_workers)
            manifests[stage.name] = manifest
            if not stage.adds:
                say(summary(manifest, out))
                folder = out
                if nothing := nothing_kept(manifest, out):
                    say(f"error: {nothing}")
                    break
    return manifests


def nothing_kept(manifest: Manifest, out: Path) -> str | None:
    """Why a stage kept no row at all, and where to look; None where it kept some."""
    if manifest.n_kept:
        return None
    if not manifest.n_in:
        return (
            f"{manifest.stage} was given no rows, so {out} holds none; look at the folder before it"
        )
    reason, n = max(manifest.n_rejected.items(), key=lambda of: of[1])
    return (
        f"{manifest.stage} kept no row: {n:,} of {manifest.n_in:,} were rejected as {reason}: "
        f"{RejectReason(reason).sentence} See them with `lorid-data view {out} --out rejects.html`"
    )


def summary(manifest: Manifest, out: Path) -> str:
    """What a stage did, in one line."""
    rejected = ", ".join(f"{n:,} {reason}" for reason, n in manifest.n_rejected.items())
    return (
        f"{manifest.stage}: {count(manifest.n_in, 'row')} in, {manifest.n_kept:,} kept, "
        f"{sum(manifest.n_rejected.values()):,} rejected{f' ({rejected})' if rejected else ''} → {out}"
    )
