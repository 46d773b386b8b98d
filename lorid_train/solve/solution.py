"""What the loop makes of a question: its rounds, and the answer that they come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lorid_train.interaction.draws import Decision, Draw, How
from lorid_train.interaction.rules import agree, answer_of


@dataclass(frozen=True, slots=True)
class Round:
    """One round of the interaction: what IR, KG and DR wrote.

    Under the rule `weighed` roles are drawn one at a time: IR alone, or KG and DR.

    Attributes:
        number: of the round, from 1; of the role where it stands alone.
        ir: IR's draw.
        kg: KG's draw, whose text DR read.
        dr: DR's draw.
    """

    number: int
    ir: Draw | None = None
    kg: Draw | None = None
    dr: Draw | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that KG wrote, one a line of its text."""
        text = "" if self.kg is None else self.kg.text
        return tuple(line.strip() for line in text.split("\n") if line.strip())

    @property
    def ir_answer(self) -> str | None:
        """The answer that IR's text states; None where it states none."""
        return None if self.ir is None else answer_of(self.ir.text)

    @property
    def dr_answer(self) -> str | None:
        """The answer that DR's text states; None where it states none."""
        return None if self.dr is None else answer_of(self.dr.text)

    @property
    def agreed(self) -> bool:
        """Whether IR and DR state equal answers in this round."""
        return agree(self.ir_answer, self.dr_answer)

    @property
    def draws(self) -> tuple[Draw, ...]:
        """The draws, in the order of the round."""
        return tuple(d for d in (self.ir, self.kg, self.dr) if d is not None)


@dataclass(frozen=True, slots=True)
class Solution:
    """The answer to a question, and how it came about.

    Attributes:
        question: as it was given.
        decision: the answer or None, how it came about, and the round it was decided in.
        history: the rounds that were needed, in order.
        seconds: from the question to the answer, shared by all questions of one call.
    """

    question: str
    decision: Decision
    history: tuple[Round, ...]
    seconds: float

    @property
    def answer(self) -> str | None:
        """The answer; None where there was no agreement and the fallback has none either."""
        return self.decision.answer

    @property
    def how(self) -> How:
        """Whether IR and DR agreed, the fallback answered, or nobody did."""
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
    def rationale(self) -> str | None:
        """The text that states the answer: of the latest round, IR's before DR's; None without one."""
        for r in reversed(self.history):
            for draw, said in ((r.ir, r.ir_answer), (r.dr, r.dr_answer)):
                if draw is not None and agree(said, self.answer):
                    return draw.text
        return None

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
            "draws": [d.model_dump(mode="json") for d in self.draws],
        }
