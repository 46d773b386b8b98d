"""What the loop makes of a question: its rounds, and the answer that they come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lorid_train.interaction.draws import Decision, Draw, How
from lorid_train.interaction.programs import program_of
from lorid_train.interaction.rules import Rule, agree, answer_to

_NAMES = {"ir": "IR", "dr": "DR", "cg": "CG"}


@dataclass(frozen=True, slots=True)
class Program:
    """A program that CG wrote, and what running it gave.

    Attributes:
        text: the program: what the draw's text is, or its last fenced block.
        draw: the draw.
    """

    text: str
    draw: Draw

    def as_json(self) -> dict[str, Any]:
        """Plain values; all that running tells is null where nothing was run."""
        ran = self.draw.executed
        return {
            "round": self.draw.round,
            "program": self.text,
            "status": None if ran is None else ran.status,
            "answer": None if ran is None else ran.answer,
            "output": None if ran is None else ran.output or "",
            "error": None if ran is None else ran.error,
            "is_grounded": None if ran is None else ran.is_grounded,
            "sandbox": None if ran is None else ran.sandbox,
        }


def program_in(draw: Draw) -> Program:
    """The program of a draw of CG."""
    return Program(program_of(draw.text), draw)


@dataclass(frozen=True, slots=True)
class Round:
    """One round of the interaction: what IR, KG and DR wrote, and CG where programs have a say.

    Under the rule `weighed` roles are drawn one at a time: IR alone, or KG and DR. Under rules of
    programs a round holds what was looked at, one draw after another; a fallback may look at earlier
    rounds once more, for a role that had not been asked there: these follow, each a round of its own.

    Attributes:
        number: of the round, from 1; of the role where it stands alone.
        ir: IR's draw.
        kg: KG's draw, whose text DR read.
        dr: DR's draw.
        cg: CG's draw, with what its program gave.
    """

    number: int
    ir: Draw | None = None
    kg: Draw | None = None
    dr: Draw | None = None
    cg: Draw | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that KG wrote, one a line of its text."""
        text = "" if self.kg is None else self.kg.text
        return tuple(line.strip() for line in text.split("\n") if line.strip())

    @property
    def ir_answer(self) -> str | None:
        """The answer that IR's text states; None where it states none."""
        return None if self.ir is None else answer_to(self.ir)

    @property
    def dr_answer(self) -> str | None:
        """The answer that DR's text states; None where it states none."""
        return None if self.dr is None else answer_to(self.dr)

    @property
    def cg_answer(self) -> str | None:
        """The answer that CG's program gave; None where it gave none."""
        return None if self.cg is None else answer_to(self.cg)

    @property
    def program(self) -> Program | None:
        """What CG wrote; None where it was not asked."""
        return None if self.cg is None else program_in(self.cg)

    @property
    def agreeing(self) -> tuple[str, ...]:
        """The names of the roles with the answer that most of the round give, at least two; the first of equals."""
        said = {"ir": self.ir_answer, "dr": self.dr_answer, "cg": self.cg_answer}
        groups = [tuple(_NAMES[r] for r, b in said.items() if agree(a, b)) for a in said.values()]
        most = max(groups, key=len)
        return most if len(most) > 1 else ()

    @property
    def agreed(self) -> bool:
        """Whether two answers of this round are equal: IR's and DR's, or one of them and CG's."""
        return bool(self.agreeing)

    @property
    def draws(self) -> tuple[Draw, ...]:
        """The draws, in the order of the round."""
        return tuple(d for d in (self.ir, self.kg, self.dr, self.cg) if d is not None)


@dataclass(frozen=True, slots=True)
class Solution:
    """The answer to a question, and how it came about.

    Attributes:
        question: as it was given.
        decision: the answer or None, how it came about, and the round it was decided in.
        history: the rounds that were needed, in order.
        seconds: from the question to the answer, shared by all questions of one call.
        rule: by which the loop ended.
    """

    question: str
    decision: Decision
    history: tuple[Round, ...]
    seconds: float
    rule: Rule = "same_round"

    @property
    def answer(self) -> str | None:
        """The answer; None where there was no agreement and the fallback has none either."""
        return self.decision.answer

    @property
    def how(self) -> How:
        """Whether the rule found an agreement, the fallback answered, or nobody did."""
        return self.decision.how

    @property
    def rounds(self) -> int:
        """How many rounds were needed."""
        return self.decision.round

    @property
    def probability(self) -> float | None:
        """The chance that the answer is right, also of one that was withheld; None without one."""
        return self.decision.probability

    @property
    def draws(self) -> tuple[Draw, ...]:
        """Every draw of the rounds that were needed."""
        return tuple(d for r in self.history for d in r.draws)

    @property
    def n_tokens(self) -> int:
        """Generated tokens of these draws."""
        return sum(d.n_tokens for d in self.draws)

    @property
    def n_prompt_tokens(self) -> int:
        """Tokens of the prompts of these draws."""
        return sum(d.n_prompt_tokens for d in self.draws)

    @property
    def programs(self) -> tuple[Program, ...]:
        """What CG wrote, in the order in which it was looked at."""
        return tuple(p for r in self.history if (p := r.program) is not None)

    @property
    def stated_by(self) -> Draw | None:
        """The draw that gives the answer: of the latest round, IR's before DR's, CG's where it alone does."""
        for of in (("ir", "dr"), ("cg",)):
            for draw in (d for r in reversed(self.history) for d in r.draws if d.role in of):
                if agree(answer_to(draw), self.answer):
                    return draw
        return None

    @property
    def rationale(self) -> str | None:
        """The text of `stated_by`: a rationale, or the program that gave the answer; None without one."""
        draw = self.stated_by
        if draw is None:
            return None
        return program_in(draw).text if draw.role == "cg" else draw.text

    def as_json(self) -> dict[str, Any]:
        """Plain values for other programs; the draws as `draws.jsonl` has them."""
        return {
            "question": self.question,
            "answer": self.answer,
            "how": self.how.value,
            "probability": None if self.probability is None else round(self.probability, 4),
            "rounds": self.rounds,
            "n_tokens": self.n_tokens,
            "n_prompt_tokens": self.n_prompt_tokens,
            "seconds": round(self.seconds, 3),
            "rationale": self.rationale,
            "programs": [p.as_json() for p in self.programs],
            "draws": [d.model_dump(mode="json") for d in self.draws],
        }
