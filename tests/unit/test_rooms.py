"""How the packages are laid out: rooms, what stands at the top, who imports whom, and what a room says of itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("lorid_data", "lorid_train")
SOURCES = sorted(p for d in PACKAGES for p in (ROOT / d).rglob("*.py"))
ROOMS = sorted(
    p.parent for p in SOURCES if p.name == "__init__.py" and p.parent.name not in PACKAGES
)
TOP = {
    "lorid_data": {
        "__init__", "__main__", "schema", "pipeline", "errors",
        "prompts", "role_texts", "sampling", "intervals", "pass_rates", "reasons", "store",
    },
    "lorid_train": {"__init__", "__main__", "cli", "config", "roles", "formats", "quickstart"},
}  # fmt: skip
"""What a newcomer reads first, and in `lorid_data` seven small modules more."""
FACES = {
    "lorid_data.answers": {
        "Accepted", "Answer", "FoundBy", "NoAnswer", "Verdict", "Why", "boxed", "equal", "extract", "group", "key",
        "official_equal", "official_extract", "prepare", "reference",
    },
    "lorid_data.build": {"BuildOptions", "build", "import_table"},
    "lorid_data.validate": {"validate"},
    "lorid_train.interaction": {"decide"},
    "lorid_train.metrics": {"official_evaluate"},
    "lorid_train.study_report": {"Cell", "write_programs", "write_study"},
}  # fmt: skip
"""Names that the documentation promises at the room itself."""


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(p) for p in SOURCES}


def room_of(module: str) -> str:
    """The room or the top-level module that a module belongs to."""
    return ".".join(module.split(".")[:2])


def imports(path: Path) -> Iterator[str]:
    """Every module of ours that a file imports, in functions and under TYPE_CHECKING too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lorid_"):
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] in PACKAGES)


def refuse_cycles(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as e:
        pytest.fail(" → ".join(e.args[1]))


def test_no_module_imports_itself_through_others() -> None:
    graph: dict[str, set[str]] = {}
    for path in SOURCES:
        graph[module_of(path)] = set(imports(path)) - {module_of(path)}
    refuse_cycles(graph)


def test_no_room_imports_itself_through_others() -> None:
    graph: dict[str, set[str]] = {}
    for path in SOURCES:
        room = room_of(module_of(path))
        graph.setdefault(room, set()).update(room_of(m) for m in imports(path))
    refuse_cycles({room: to - {room} for room, to in graph.items()})


def test_cycles_are_found() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"a → b → a|b → a → b"):
        refuse_cycles({"a": {"b"}, "b": {"a"}})


@pytest.mark.parametrize("package", PACKAGES)
def test_only_what_is_read_first_stands_at_the_top(package: str) -> None:
    assert {p.stem for p in (ROOT / package).glob("*.py")} == TOP[package]


def commands() -> set[str]:
    from lorid_data.cli.app import app

    return {name for name in app if not name.startswith("-")}


# Commands whose code is a part of a larger room, and where.
SHARED_ROOMS = {
    "completion": "commandline",
    "import": "build", "choose": "build", "reparse": "build", "merge": "build", "prompts": "build",
    "doctor": "asking", "label": "labelling", "run": "pipeline",
}  # fmt: skip


def test_a_command_has_the_room_of_its_name() -> None:
    for command in commands():
        name = SHARED_ROOMS.get(command, command)
        assert (ROOT / "lorid_data" / name).is_dir() or (
            ROOT / "lorid_data" / f"{name}.py"
        ).is_file()
    assert set(SHARED_ROOMS) <= commands()


@pytest.mark.parametrize("room", ROOMS, ids=lambda p: module_of(p / "__init__.py"))
def test_a_room_says_what_it_is_for_and_holds_no_code(room: Path) -> None:
    tree = ast.parse((room / "__init__.py").read_text(encoding="utf-8"))
    text = ast.get_docstring(tree) or ""
    name = module_of(room / "__init__.py")
    paragraphs = dict(re.findall(r"^(Entry|Read|Imports):\s+(.*?)(?=^\w+:|\Z)", text, re.M | re.S))
    assert paragraphs.keys() == {"Entry", "Read", "Imports"}, f"{name}: entry, order and imports"
    modules = {p.stem for p in room.glob("*.py")} - {"__init__"}
    named = {n.split(".")[0] for n in re.findall(r"`([a-z_0-9]+)", paragraphs["Read"])}
    unnamed = {m for m in modules - named if not m.startswith("families_")}
    assert not unnamed, f"{name}: where in its order are these read?"
    elsewhere = {r.name for r in ROOMS} | {"families_"}
    assert named <= modules | elsewhere, f"{name}: these are not there"
    taken = {room_of(m) for p in room.glob("*.py") for m in imports(p)} - {room_of(name)}
    said = set(re.findall(r"\w+", paragraphs["Imports"]))
    if "every room" not in paragraphs["Imports"]:
        assert {m.split(".")[1] for m in taken} <= said, f"{name}: what it imports and does not say"
    offered: set[str] = set()
    for node in tree.body[1:]:
        is_list = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        assert is_list or isinstance(node, ast.ImportFrom), f"{name}: code in __init__"
        if isinstance(node, ast.ImportFrom):
            offered |= {a.asname or a.name for a in node.names}
    assert offered == FACES.get(name, set())


def test_no_tool_passes_over_a_room() -> None:
    """What git ignores ruff and the wheel leave out, and many a list of ignored folders has `build`."""
    files = [str(p.relative_to(ROOT)) for p in SOURCES]
    ignored = subprocess.run(
        ["git", "check-ignore", *files], cwd=ROOT, capture_output=True, text=True
    )
    assert ignored.stdout == ""
    ruff = [sys.executable, "-m", "ruff", "check", "--show-files", *PACKAGES]
    seen = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not [f for f in files if f"{ROOT / f}\n" not in seen]


def test_pytest_looks_into_every_folder_of_tests(pytestconfig: pytest.Config) -> None:
    skipped = pytestconfig.getini("norecursedirs")
    folders = {p.parent for p in (ROOT / "tests").rglob("test_*.py")}
    assert not [f for f in folders for part in f.relative_to(ROOT).parts if part in skipped]
