"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = sorted(p for d in ("lorid_data", "lorid_train") for p in (ROOT / d).rglob("*.py"))
HEAVY = (
    "torch",
    "transformers",
    "peft",
    "trl",
    "datasets",
    "polars",
    "sympy",
    "math_verify",
    "rich.live",
    "jinja2",
    "aiohttp",
    "anthropic",
    "openai",
    "tenacity",
)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            n_lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert n_lines <= 60, f"{node.name}: {n_lines} lines"


def imported_by(code: str) -> set[str]:
    probe = f"import sys\n{code}\nprint(*(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split("\n")[-2].split())


def test_importing_any_module_loads_nothing_heavy() -> None:
    modules = [module_of(p) for p in SOURCES if p.name not in ("__main__.py", "worker.py")]
    plugins = [m for m in modules if ".testing" in m]
    code = "import importlib\n" + "\n".join(
        f"importlib.import_module({m!r})" for m in modules if m not in plugins
    )
    assert imported_by(code) == set()


@pytest.mark.parametrize("package", ["lorid_data", "lorid_train"])
@pytest.mark.parametrize("command", [[], ["build"], ["evaluate"]])
def test_help_loads_nothing_heavy(package: str, command: list[str]) -> None:
    known = {"lorid_data": ["build"], "lorid_train": ["evaluate"]}
    where = {"lorid_data": "cli.app", "lorid_train": "cli"}
    argv = [*(command if command == known[package] else []), "--help"]
    loaded = imported_by(
        f"from {package}.{where[package]} import app\nfrom lorid_data.commandline.program import run\nrun(app, {argv!r})"
    )
    assert loaded == set()


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda p: p.stem)
def test_every_test_file_holds_a_test(path: Path) -> None:
    assert re.search(r"^\s*(async )?def test_", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_a_wheel_holds_what_the_packages_read(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        *(
            f"lorid_data/_prompts/{p.relative_to(ROOT / 'prompts')}"
            for p in (ROOT / "prompts").rglob("*.*")
            if p.is_file()
        ),
        *(f"lorid_data/_datasets_cards/{p.name}" for p in (ROOT / "datasets_cards").iterdir()),
        *(f"lorid_train/_studies/{p.name}" for p in (ROOT / "configs" / "study").iterdir()),
        *(f"lorid_train/_agreement/{p.name}" for p in (ROOT / "configs" / "agreement").iterdir()),
        *(
            str(p.relative_to(ROOT))
            for d in ("lorid_data", "lorid_train")
            for p in (ROOT / d).rglob("*")
            if p.is_file() and "__pycache__" not in p.parts
        ),
    }
    assert wanted <= names
    assert not [n for n in names if n.startswith(("tests/", "docs/"))]


def test_an_installed_wheel_finds_its_prompts(tmp_path: Path) -> None:
    """The unpacked wheel alone, without the checkout."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    argv = ["prompts", "--role", "ir", "--question", "Q"]
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\nfrom lorid_train.cli import app, run\nsys.exit(run(app, {argv!r}))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "Please answer this MATH question" in done.stdout


def test_nothing_names_a_path_of_a_machine() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    pattern = re.compile(r"(?<![\w.$}~<])/(?:home|root|work|mnt|Users)/\w+")
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".yaml", ".toml", ".json", ".txt"} and path.is_file():
            found = pattern.search(path.read_text(encoding="utf-8", errors="replace"))
            assert found is None, f"{name}: {found and found[0]}"
