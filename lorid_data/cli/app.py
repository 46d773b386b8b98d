"""The program `lorid-data`: which commands it has."""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import App

from lorid_data.cli import building, pages, publishing, running, stages
from lorid_data.cli.auditing import audit
from lorid_data.cli.coding import programs
from lorid_data.cli.doctor import doctor
from lorid_data.commandline.completion import completion_of
from lorid_data.commandline.program import make_app, run

app = make_app(
    "lorid-data",
    "Build and check datasets of mathematical problems with the knowledge they need. Usually: build (or "
    "import), validate, dedup, decontaminate, audit; then train with lorid-train.",
)
for command in (
    audit,
    pages.label,
    pages.view,
    building.build,
    building.merge,
    building.choose,
    stages.validate,
    stages.expand,
    stages.dedup,
    stages.decontaminate,
    stages.split,
    stages.difficulty,
    programs,
    building.reparse,
    doctor,
    publishing.publish,
):
    app.command(command)
app.command(building.import_table, name="import")
app.command(running.run, name="run")

prompts = App(name="prompts", help="The versioned texts that teachers read.")
prompts.command(building.diff)
app.command(prompts)
app.command(completion_of(app), name="completion")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run(app, argv)
