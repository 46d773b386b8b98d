"""Every command of the README runs, the quickstart at reduced size."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_RUN = ("make quickstart", "pip install", "lorid-train study", ".venv/bin/lorid-train solve")
"""What needs a fresh machine, or minutes: quickstart and solve run below, a study in test_study."""
REAL = {"gsm8k": "openai/gsm8k", "math": "EleutherAI/hendrycks_math"}
REDUCED = {
    "--limit": "12",
    "--rounds": "2",
    "--max-new-tokens": "16",
}


def commands() -> list[str]:
    """The lines of the README's bash blocks, comments cut off."""
    blocks = re.findall(r"^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = [re.sub(r"\s+#.*", "", line).strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(NOT_RUN)]


def argv_of(line: str) -> list[str]:
    """The command as this interpreter runs it, with smaller numbers."""
    program, *rest = shlex.split(line)
    for name, value in REDUCED.items():
        if name in rest:
            rest[rest.index(name) + 1] = value
    if rest[:2] == ["evaluate", "--adapters"] and "--rounds" not in rest:
        rest += ["--rounds", "2"]
    if rest[0] == "solve":
        rest += ["--rounds", "1", "--max-new-tokens", "16"]
    return [sys.executable, "-m", program.replace("-", "_"), *rest]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the configurations and a table of one's own."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "configs", folder / "configs")
    for config in (folder / "configs" / "train").glob("*.yaml"):
        config.write_text(config.read_text().replace("num_train_epochs: 2", "max_steps: 3"))
    (folder / "my-problems.jsonl").write_text(
        "".join(
            f'{{"question": "{n} + 1?", "answer": "{n + 1}", "knowledge": ["Add."]}}\n'
            for n in range(1, 13)
        )
    )
    (folder / "my-variants.jsonl").write_text(
        '{"question": "One and one?", "answer": "2", "original_question": "1 + 1?"}\n'
    )
    return folder


def run(argv: list[str], cwd: Path) -> str:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    # Trained on a few rows, KG may write nothing that can be kept; that is said, and status 1.
    is_empty = "export-knowledge" in argv and "nothing that can be kept" in done.stderr
    assert done.returncode == int(is_empty), f"{argv}\n{done.stderr}"
    return done.stdout


def is_real(line: str) -> bool:
    return any(f"build {name} " in line for name in REAL) or "gsm8k" in line


def test_the_readme_names_every_command() -> None:
    text = "\n".join(commands())
    for command in (
        "lorid-data build",
        "lorid-data import",
        "lorid-data validate",
        "lorid-data decontaminate",
        "lorid-data publish",
    ):
        assert command in text
    for command in (
        "lorid-train sft",
        "lorid-train evaluate",
        "lorid-train report",
        "lorid-train prompts",
        "lorid-train solve",
    ):
        assert command in text
    assert "\nlorid-train study " in README


@pytest.mark.slow
def test_the_offline_commands(workplace: Path) -> None:
    for line in commands():
        if not is_real(line):
            run(argv_of(line), workplace)
    assert (workplace / "runs" / "replay.html").is_file()


@pytest.mark.slow
def test_the_commands_on_real_questions(workplace: Path, real_data: Path) -> None:
    for line in filter(is_real, commands()):
        argv = argv_of(line)
        for name, folder in REAL.items():
            if argv[3:5] == ["build", name]:
                argv += ["--source-path", str(real_data / folder)]
        run(argv, workplace)
    assert (workplace / "runs" / "gsm8k-student-eval" / "report.html").is_file()


@pytest.mark.slow
def test_the_quickstart_at_reduced_size(tmp_path: Path) -> None:
    argv = [
        sys.executable,
        "-m",
        "lorid_train",
        "quickstart",
        "--rows",
        "48",
        "--problems",
        "6",
        "--rounds",
        "3",
        "--threads",
        "1",
    ]
    out = run([*argv, "--out", str(tmp_path / "q")], ROOT)
    assert "lorid@3" in out
    assert "report: " in out
    assert (tmp_path / "q" / "eval" / "report.html").is_file()
    asked = re.search(r"^\.venv/bin/lorid-train (solve .*)$", README, re.MULTILINE)
    assert asked is not None
    quickly = ["--rounds", "1", "--max-new-tokens", "8"]
    words = [*shlex.split(asked[1]), *quickly]
    folder = tmp_path / "runs" / "quickstart"
    folder.mkdir(parents=True)
    (folder / "run").symlink_to(tmp_path / "q" / "run")
    assert "answer: " in run([sys.executable, "-m", "lorid_train", *words], tmp_path)
    again = run([*argv, "--out", str(tmp_path / "q")], ROOT)
    assert again == out


def test_every_relative_link_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(
            r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")
        ):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
