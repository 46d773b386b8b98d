"""The study `agreement`: does training on agreed draws let one pass do what the loop did?

Settings one after another, systems in the order of the configuration, in this process. Every part
is an ordinary folder; killed and started again, it goes on. The page is written anew after each
system, so that what is done can be read while the rest is made.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.evaluations import DRAWS
from lorid_data.folders.names import CONFIG
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Manifest
from lorid_data.texts import safe_yaml
from lorid_data.texts.counting import count
from lorid_train.models import base_model
from lorid_train.study.agreement_cells import CONSENSUS, Maker
from lorid_train.study.agreement_data import Place
from lorid_train.study.agreement_settings import SYSTEMS, AgreementConfig, Setting
from lorid_train.study.progress import duration
from lorid_train.study.tasks import named
from lorid_train.study_report.agreement_reading import COST, Row, SettingPlace
from lorid_train.study_report.agreement_write import write_agreement
from lorid_train.training.curves import PAGE, SPEED
from lorid_train.training.early import refused

_MAY_CHANGE = {"settings", "seeds", "systems", "loops_after", "batch_size", "threads"}
"""What a folder may get more of, and what changes no result."""


def study(config: AgreementConfig, out: Path) -> Manifest:
    """Make every part of the study that is missing, and its page; nothing where that is done.

    Raises:
        ConfigError: the configuration or its inputs cannot be used.
        KeyboardInterrupt: interrupted; what was finished stays, and its page too.
    """
    start = time.monotonic()
    wanted = tuple(config.settings)
    for s in config.settings.values():
        base_model.resolve(*named(s.base))  # what is not there is said before anything is made
    problems = refused(
        Maker(config, Place(n, s, out / "settings" / n)).check for n, s in config.settings.items()
    )
    if problems:
        raise ConfigError(*dict.fromkeys(problems))
    config = with_those_before(config, out)
    identity = config.model_dump(mode="json", exclude=_MAY_CHANGE)
    settings = config.model_dump(mode="json", include=_MAY_CHANGE)
    with open_stage(out, "study", identity=identity, settings=settings) as stage:
        if stage.done is not None:
            return stage.done
        places = [Place(n, s, out / "settings" / n) for n, s in config.settings.items()]
        for place in (p for p in places if p.name in wanted):
            for what in _steps(Maker(config, place)):
                say(f"study: {place.name}: {what} done after {duration(time.monotonic() - start)}")
                _write(config, places, out)
        _write(config, places, out)
        stage.libraries += base_model.LIBRARIES
        stage.varying = frozenset({DRAWS, PAGE, SPEED, COST})
        return stage.finish(n_in=len(places), n_kept=len(places), n_rejected={})


def with_those_before(config: AgreementConfig, out: Path) -> AgreementConfig:
    """The study with the settings that its folder was begun with besides: the page shows these too."""
    try:
        body = safe_yaml.parse((out / CONFIG).read_text(encoding="utf-8"))
        before = {n: Setting.model_validate(s) for n, s in body["settings"]["settings"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return config  # a new folder; or one of something else, which `open_stage` refuses
    return config.model_copy(update={"settings": before | config.settings})


def _steps(maker: Maker) -> Iterator[str]:
    """Make one setting, step by step; what each step was."""
    config = maker.config
    n = len(config.systems) * len(config.seeds)
    say(
        f"study: {maker.place.name}: {count(n, 'further training')} of {count(len(config.seeds), 'seed')}"
    )
    maker.begin()
    yield "the start"
    for system in config.systems:
        for seed in config.seeds:
            try:
                maker.further(system, seed)
            except InputError as e:  # a rule that leaves no row: its line stays empty
                say(f"warning: {maker.place.name}: {system}: {e}")
                break
        yield system
    if CONSENSUS in config.systems:
        for seed in config.seeds[: config.loops_after]:
            maker.loop_after(seed)
        yield "the loop after training"


def _write(config: AgreementConfig, places: list[Place], out: Path) -> None:
    """The page of what is there by now."""
    rows = [Row(n, (s := SYSTEMS[n]).says, s.reads_gold, s.rule) for n in config.systems]
    again = config.loops_after > 0 and CONSENSUS in config.systems
    found = [
        SettingPlace(p.name, p.folder, by_subject=p.setting.by_subject, has_loop_after=again)
        for p in places
    ]
    write_agreement(found, rows, config.seeds, out)
