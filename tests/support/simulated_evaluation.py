"""Records and draws of an evaluation that never ran: known abilities, seeded.

Loaded with `runpy.run_path` by the tests that want a whole evaluation.
"""

from __future__ import annotations

import random

from lorid_data.schema import Provenance, Record, problem_id, sha256_text
from lorid_train.interaction.draws import Draw

KNOWLEDGE = "Multiply the number of groups by the size of a group.\nTake away what is given away."


def record(i: int) -> Record:
    """The i-th question."""
    question = (
        f"A baker packs {i + 3} boxes with {i % 17 + 2} rolls each and gives {i % 5} rolls away. "
        f"How many rolls are left on day {i}?"
    )
    return Record(
        row_id=sha256_text(f"row {i}"), problem_id=problem_id(question), original_id=problem_id(question),
        source="arithmetic", split="test", question=question,
        rationale="Multiply.\nTake away." + "\nCheck." * (i % 3),
        answer=str((i + 3) * (i % 17 + 2) - i % 5), level=str(i % 3 + 1),
        subject=("bakery", "travel")[i % 2], licence="Apache-2.0",
        knowledge=tuple(KNOWLEDGE.splitlines()), provenance=Provenance(teacher="source"),
    )  # fmt: skip


def _draw(r: Record, role: str, condition: str, seed: int, n: int, answer: str | None) -> Draw:
    text = (
        KNOWLEDGE
        if role == "kg"
        else "I count on."
        if answer is None
        else f"So it is.\n--> {answer} END"
    )
    return Draw(
        problem_id=r.problem_id, role=role, condition=condition, seed=seed, round=n, text=text,
        finish_reason="length" if role != "kg" and answer is None else "stop", n_prompt_tokens=60,
        n_tokens={"ir": 30, "kg": 20, "dr": 40}[role] + n % 3, prompt_sha256="0" * 64,
    )  # fmt: skip


def simulate(
    n: int = 60,
    *,
    rounds: int = 20,
    p_ir: float = 0.55,
    p_dr: float = 0.5,
    n_wrong: int = 6,
    lazy: bool = True,
    n_votes: int = 14,
    seeds: tuple[int, ...] = (0,),
    random_seed: int = 0,
) -> tuple[list[Record], dict[str, list[Draw]]]:
    """Records, and draws by problem id; every 50th answer is missing."""
    rng = random.Random(random_seed)
    records = [record(i) for i in range(n)]

    def answer(r: Record, p: float) -> str | None:
        if rng.random() < p:
            return r.answer
        return None if rng.random() < 0.02 else str(int(r.answer) + rng.randint(1, n_wrong))

    draws: dict[str, list[Draw]] = {}
    for r in records:
        made = draws.setdefault(r.problem_id, [])
        for seed in seeds:
            for role, condition, p in (
                ("ir", "greedy", p_ir), ("kg", "greedy", 0.0), ("dr", "gold-knowledge", p_dr), ("dr", "kg-knowledge", p_dr),
            ):  # fmt: skip
                made.append(_draw(r, role, condition, seed, 1, answer(r, p)))
            stopped = False
            for k in range(1, max(rounds, n_votes) + 1):
                a, b = answer(r, p_ir), answer(r, p_dr)
                if k <= n_votes or not stopped:
                    made.append(_draw(r, "ir", "sampled", seed, k, a))
                if k <= rounds and not stopped:
                    made.append(_draw(r, "kg", "sampled", seed, k, None))
                    made.append(_draw(r, "dr", "sampled", seed, k, b))
                    stopped = lazy and a is not None and a == b
                if stopped and k >= n_votes:
                    break
    return records, draws
