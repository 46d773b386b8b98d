"""Every command of both programs is attacked in every way, or it is said here why not."""

from __future__ import annotations

import runpy
from collections.abc import Iterable
from pathlib import Path

import pytest

from lorid_data.cli.app import app as data
from lorid_train.cli import app as train

HERE = Path(__file__).parent
_NOTHING = "writes nothing"
_SERVER = "a server, with tests of its own"
_PARTS = "made of commands that are attacked"
_ATOMIC = "writes one file or folder, at once, as others do that are attacked"
_AS_BUILD = "reads a build's journal and writes as build does"
NO_FILES = {
    **dict.fromkeys(["lorid_data completion", "lorid_data prompts", "lorid_data doctor", "lorid_train completion", "lorid_train prompts"], _NOTHING),
    **dict.fromkeys(["lorid_train compare", "lorid_train solve", "lorid_train route"], _NOTHING),
    **dict.fromkeys(["lorid_data label", "lorid_train serve"], _SERVER),
    **dict.fromkeys(["lorid_data choose", "lorid_data merge", "lorid_data reparse"], _AS_BUILD),
    **dict.fromkeys(["lorid_train quickstart"], _PARTS),
    **dict.fromkeys(["lorid_train import-base", "lorid_train fit-votes", "lorid_train publish"], _ATOMIC),
    "lorid_train rl": "killed in tests/integration/test_rl.py; writes as sft does",
    "lorid_train rounds": "killed in tests/integration/test_rounds.py; made of evaluate, export-draws and sft",
}  # fmt: skip
"""Commands that are in no list of attacks on files."""
_SAME_STAGE = "opens its folder as validate does"
EXCEPTIONS: dict[str, dict[str, str]] = {
    "kills": NO_FILES,
    "full disks, three at once": {**NO_FILES, "lorid_train study": "its cells' commands are"},
    "read-only disks": {
        **NO_FILES,
        **dict.fromkeys(["lorid_data build", "lorid_data dedup", "lorid_data decontaminate", "lorid_data expand", "lorid_data split", "lorid_data programs"], _SAME_STAGE),
        **dict.fromkeys(["lorid_data run"], _PARTS),
        **dict.fromkeys(["lorid_data audit", "lorid_data publish"], _ATOMIC),
    },
    "secrets": {
        **dict.fromkeys(["lorid_data completion", "lorid_train completion"], "takes nothing of the user's"),
        "lorid_train quickstart": _PARTS,
    },
}  # fmt: skip


def every_command() -> set[str]:
    return {
        f"{program} {name}"
        for program, app in (("lorid_data", data), ("lorid_train", train))
        for name in app
        if not name.startswith("-")
    }


def of(module: str) -> dict[str, object]:
    return runpy.run_path(str(HERE / f"{module}.py"))


def named(program: str, names: object) -> set[str]:
    assert isinstance(names, Iterable)
    return {f"{program} {name}" for name in names}


def lines(found: object) -> set[str]:
    """`lorid_data validate` of the command lines of a list that names programs."""
    assert isinstance(found, dict)
    return {" ".join(line.split()[:2]) for line in found.values()}


def attacked(how: str) -> set[str]:
    """The commands that stand in the lists of one kind of attack."""
    on_evaluations = lines(of("test_on_evaluations")["COMMANDS"])
    if how == "kills":
        trained = named("lorid_train", of("test_kills_of_training")["COMMANDS"])
        study = of("test_kills_of_studies")
        assert "test_a_study_killed_at_any_file_event_ends_the_same" in study
        return named("lorid_data", of("test_kills")["COMMANDS"]) | trained | on_evaluations | {"lorid_train study"}  # fmt: skip
    if how == "read-only disks":
        return lines(of("test_read_only")["COMMANDS"])
    if how == "secrets":
        asked = of("test_secrets")["commands"]
        assert callable(asked)
        return {" ".join(argv[:2]) for argv in asked(Path("x"), "http://x", "y")}
    both = of("test_every_command")
    return named("lorid_data", both["DATA"]) | named("lorid_train", both["TRAIN"]) | on_evaluations


@pytest.mark.parametrize("how", EXCEPTIONS)
def test_every_command_is_attacked(how: str) -> None:
    done = attacked(how)
    missing = every_command() - done - EXCEPTIONS[how].keys()
    assert missing == set(), f"commands that no list of attacks has ({how})"
    assert EXCEPTIONS[how].keys() <= every_command(), "exceptions of commands that are gone"
    assert EXCEPTIONS[how].keys() & done == set(), "exceptions of commands that are attacked"
