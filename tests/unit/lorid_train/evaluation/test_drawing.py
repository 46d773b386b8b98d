"""What an evaluation draws, and whose adapters it needs for that."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lorid_data.commandline.progress import Progress
from lorid_data.errors import ConfigError
from lorid_data.schema import Provenance, Record, make_problem, row_ids
from lorid_train.config import EvalConfig
from lorid_train.engines.base import GenRequest
from lorid_train.engines.scripted import ScriptedEngine
from lorid_train.evaluation import drawing
from lorid_train.evaluation.drawing import draw_all, needed_roles
from lorid_train.interaction.draws import Draw, DrawKey, DrawLog

QUIET: dict[str, Any] = {"loop": False, "votes": "none", "greedy": ()}


def config(**changes: Any) -> EvalConfig:
    return EvalConfig(**({"adapters": {}, "dataset": "d", "out": "o", "rounds": 3} | changes))


@pytest.mark.parametrize(
    ("changes", "roles"),
    [
        ({}, ("ir", "kg", "dr")),
        (QUIET | {"greedy": ("ir",)}, ("ir",)),
        (QUIET | {"votes": "ir"}, ("ir",)),
        (QUIET | {"greedy": ("ks", "ird")}, ("ks", "ird")),
        (QUIET | {"greedy": ("gold-knowledge",)}, ("dr",)),
        (QUIET | {"greedy": ("kg-knowledge",)}, ("kg", "dr")),
        (QUIET | {"samples": {"dr": 2}}, ("kg", "dr")),
        (QUIET | {"samples": {"ks": 2, "ird": 0}}, ("ks",)),
    ],
)
def test_the_roles_that_are_drawn_are_needed(changes: Any, roles: tuple[str, ...]) -> None:
    assert needed_roles(config(**changes)) == roles


def test_all_that_cannot_be_drawn_is_said_at_once() -> None:
    wrong = config(greedy=("dr", "gold", "ks"), samples={"xr": 3, "ir": -1})
    with pytest.raises(ConfigError) as e:
        needed_roles(wrong)
    said = "\n".join(e.value.problems)
    assert len(e.value.problems) == 4
    assert all(word in said for word in ("no 'dr'", "no 'gold'", "no role 'xr'", "ir is -1"))
    with pytest.raises(ConfigError, match="nothing is to be drawn"):
        needed_roles(config(**QUIET, samples={"ir": 0}))


def test_draws_without_room_are_counted_and_said() -> None:
    def draw(problem: str, role: str, reason: str, n: int) -> Draw:
        return Draw(
            problem_id=problem, role=role, condition="sampled", seed=0, round=1, text="", finish_reason=reason,
            n_prompt_tokens=n, n_tokens=0, prompt_sha256="",
        )  # fmt: skip

    drawn = [
        draw("a", "ir", "too_long", 3000),
        draw("a", "kg", "too_long", 3100),
        draw("b", "ir", "stop", 9),
    ]
    said = str(drawing.too_long(drawn))
    assert "warning: 2 draws of 1 question have no text" in said
    assert "up to 3,100 tokens" in said
    assert drawing.too_long(drawn[2:]) is None


def records(*knowledge: str) -> list[Record]:
    problems = [
        make_problem(source="s", split="test", question=f"Q{i}?", rationale="", answer=str(i), knowledge=[k])
        for i, k in enumerate(knowledge)
    ]  # fmt: skip
    return [
        Record(row_id=row, provenance=Provenance(teacher="source"), **p.model_dump())
        for row, p in zip(row_ids(problems), problems, strict=True)
    ]


def drawn(tmp_path: Path, rows: list[Record], **changes: Any) -> tuple[dict[DrawKey, Draw], Any]:
    engine = ScriptedEngine(_answer)
    log = DrawLog(tmp_path / "draws.jsonl")
    draw_all(config(**changes), rows, log, lambda: engine)
    log.close()
    return dict(log.draws()), engine


def _answer(request: GenRequest) -> str:
    assert isinstance(request.key, DrawKey)
    return f"{request.key.role} said\n--> {request.key.round % 2} END"


def counts(draws: dict[DrawKey, Draw]) -> dict[tuple[str, str], int]:
    return dict(Counter((k.role, k.condition) for k in draws))


def test_a_whole_study_s_draws_can_be_asked_for(tmp_path: Path) -> None:
    wanted = ("ir", "kg-knowledge", "gold-knowledge", "other-knowledge", "ks", "ird")
    draws, _ = drawn(
        tmp_path, records("A", "A", "B"), schedule="exhaustive", votes="none", greedy=wanted,
        samples={"ir": 5, "dr": 4, "ks": 2},
    )  # fmt: skip
    single = ("ir", "kg", "ks", "ird")
    dr = ("kg-knowledge", "gold-knowledge", "other-knowledge")
    assert counts(draws) == (
        {(r, "greedy"): 3 for r in single}
        | {("dr", c): 3 for c in dr}
        | {(r, "sampled"): 3 * n for r, n in (("ir", 5), ("kg", 4), ("dr", 4), ("ks", 2))}
    )


def test_while_the_model_is_loaded_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Progress] = []
    monkeypatch.setattr(drawing, "Progress", lambda *a, **k: shown.append(Progress(*a, **k)) or shown[0])  # fmt: skip
    said = []

    def make() -> ScriptedEngine:
        said.append(shown[0].line())
        return ScriptedEngine(_answer)

    draw_all(config(votes="none"), records("A"), DrawLog(tmp_path / "d.jsonl"), make)
    assert len(said) == 1
    assert said[0].startswith("evaluate: 0 of at most ")
    assert said[0].endswith(", loading the model")
    assert "loading" not in shown[0].line()


def test_rounds_of_the_loop_count_among_the_samples(tmp_path: Path) -> None:
    draws, engine = drawn(tmp_path, records("A"), greedy=(), votes="none", samples={"ir": 2})
    assert counts(draws) == {("ir", "sampled"): 3, ("kg", "sampled"): 3, ("dr", "sampled"): 3}
    assert len(engine.asked) == len(draws)


def test_other_knowledge_is_another_concept_s(tmp_path: Path) -> None:
    """Problems of one concept share its definition; what they read is another definition."""
    rows = records("A", "A", "A", "B", "B")
    _, engine = drawn(tmp_path, rows, **(QUIET | {"greedy": ("other-knowledge",)}))
    own = {r.problem_id: r.knowledge[0] for r in rows}
    read = {r.key.problem_id: r.prompt for r in engine.asked}
    assert set(read) == set(own)
    for problem_id, prompt in read.items():
        other = {"A": "B", "B": "A"}[own[problem_id]]
        assert f"Knowledge: {other}\n" in prompt


def test_dr_is_drawn_on_the_dataset_s_own_knowledge(tmp_path: Path) -> None:
    """At a temperature, so often as asked for, and of the questions that have any."""
    rows = records("A", "B", "C")
    rows[2] = rows[2].model_copy(update={"knowledge": ()})
    asked = QUIET | {"samples": {"gold-knowledge": 4}}
    draws, engine = drawn(tmp_path, rows, **asked)
    assert needed_roles(config(**asked)) == ("dr",)
    assert counts(draws) == {("dr", "sampled-gold-knowledge"): 8}
    assert {r.sampling.temperature for r in engine.asked} == {1.5}
    assert len({r.seed for r in engine.asked}) == 8
    read = {r.key.problem_id: r.prompt for r in engine.asked}
    assert all(f"Knowledge: {r.knowledge[0]}\n" in read[r.problem_id] for r in rows[:2])
