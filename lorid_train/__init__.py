"""LoRID: train the three roles, run the interaction loop, report.

Read `roles` and `formats`, then the rooms in the order of the work: `models`, `training`, `engines`,
`interaction`, `evaluation`, `metrics`, `report`, `publish`; `study` and `study_report` are experiments
made of them. Each says in its `__init__.py` where to enter it and in which order to read it.

| command | code |
| --- | --- |
| `sft` | `training.sft` |
| `rl` | `reinforcement.command`, `reinforcement.stage` |
| `evaluate`, `report` | `evaluation.evaluate` |
| `export-knowledge`, `export-log` | `evaluation.exports` |
| `export-draws` | `evaluation.drawn_rows`; the rules in `drawn` |
| `rounds` | `rounds.run` |
| `solve` | `solve.command`, `solve.solver` |
| `serve` | `serve.command`, `serve.server` |
| `merge`, `import-base` | `models.merge`, `models.gguf` |
| `publish` | `publish.stage` |
| `prompts` | `formats`, `roles` |
| `quickstart` | `quickstart` |
| `study` | `study.command`, `study.run` |
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lorid_train.solve.solver import Solver as Solver

__all__ = ["Solver"]


def __getattr__(name: str) -> object:
    """`Solver`, imported when it is first asked for: importing the package loads nothing."""
    if name == "Solver":
        from lorid_train.solve.solver import Solver

        return Solver
    msg = f"module 'lorid_train' has no attribute {name!r}"
    raise AttributeError(msg)
