"""What `lorid-train study SOURCE …` means: a packaged study, a YAML file, or a table of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lorid_data.commandline import result
from lorid_data.commandline.options import read_yaml
from lorid_data.errors import ConfigError
from lorid_train.study import agreement_settings
from lorid_train.study.settings import DRAWN, StudyConfig, packaged, read

DEFAULT = "concepts"
"""The packaged study whose settings a table takes by default."""


def configured(
    source: str, settings: Path | None, changes: dict[str, Any]
) -> tuple[StudyConfig, Path]:
    """The configuration that a command line asks for, and the folder that it goes to by default.

    Args:
        source: a packaged study's name, a YAML file, or a table.
        settings: a YAML file with everything but the source, for a table.
        changes: values that replace the file's.

    Raises:
        ConfigError: with every problem.
    """
    names = packaged()
    if source in names or Path(source).suffix in (".yaml", ".yml"):
        if settings is not None:
            msg = f"--settings {settings} is for a table; {source} has settings of its own"
            raise ConfigError(msg)
        return read(names.get(source, Path(source)), changes), _default_out(source)
    if "group_by" not in changes:
        msg = (
            f"{source}: is no packaged study ({', '.join(names)}) and no YAML file; for a table or dataset "
            "folder, say with --group-by COLUMN what names a row's group"
        )
        raise ConfigError(msg)
    path = settings or names[DEFAULT]
    of_file = read_yaml(path).get("worlds")
    several = isinstance(of_file, list) and len(of_file) > 1 and source not in DRAWN
    one_world = {"worlds": [0]} if several else {}  # a table is one world
    return read(path, {**one_world, **changes, "source": source}), _default_out(source)


def _default_out(source: str) -> Path:
    return Path("runs") / f"study-{Path(source).stem}"


def agreement(
    source: str, only: list[str] | None, settings: Path | None, given: dict[str, Any], out: Path | None
) -> bool:  # fmt: skip
    """Make the study `agreement` where `source` means it; whether it does.

    Args:
        source: its name, or a YAML file of its kind.
        only: names of the settings to make; all by default.
        settings: an option of tables; refused.
        given: other options of the command line.
        out: its folder; runs/study-NAME by default.

    Raises:
        ConfigError: an option of another study, or a configuration that will not do.
    """
    changes = {k: v for k, v in given.items() if v is not None}
    if not agreement_settings.is_one(source):
        if only:
            raise ConfigError(f"--setting {' '.join(only)}: {source} has no settings; the study agreement has")  # fmt: skip
        return False
    foreign = sorted(changes.keys() - {"seeds", "threads"}) + ["settings"] * (settings is not None)
    if foreign:
        names = ", ".join(f"--{ {'bases': 'base', 'worlds': 'world'}.get(f, f.replace('_', '-')) }" for f in foreign)  # fmt: skip
        raise ConfigError(f"{names}: not an option of the study {source}; its file says that for each setting")  # fmt: skip
    from lorid_train.study.agreement import study

    config = agreement_settings.read(source, changes, only)
    folder = out or _default_out(source)
    study(config, folder)
    page = str(folder / "report.html")
    result.show(f"report: {page}", {"report": page})
    return True
