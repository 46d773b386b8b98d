"""What `lorid-train study SOURCE …` means: a packaged study, a YAML file, or a table of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lorid_data.commandline.options import read_yaml
from lorid_data.errors import ConfigError
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
