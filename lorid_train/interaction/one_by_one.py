"""Rules that ask for one draw after another: nothing is drawn ahead of need.

So which draws are stored does not depend on the batch size, and a draw that cannot change the
decision any more is never made.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

from lorid_train.interaction.draws import Draw, DrawKey
from lorid_train.interaction.loop import Log, Wanted


class OneByOne(Wanted):
    """The wants of such a rule, per question, until it is decided.

    Args:
        problem_ids: the questions.
        log: where draws are looked up; what it holds is not asked again.
    """

    def __init__(self, problem_ids: Iterable[str], log: Log) -> None:
        super().__init__((), log)
        self._open: dict[str, list[DrawKey]] = {p: [] for p in problem_ids}
        """The draws that each open question waits for."""
        for problem_id in list(self._open):
            self._advance(problem_id)

    @abstractmethod
    def wants(self, problem_id: str) -> list[DrawKey]:
        """What the question waits for next, by what the log holds; nothing where it is decided."""

    @property
    def is_decided(self) -> bool:
        """Whether no question is open any more."""
        return not self._open

    def seen(self, draw: Draw) -> None:
        """Move the question on when what it waited for is there; drop it when it is decided."""
        super().seen(draw)
        self._advance(draw.problem_id)

    def _advance(self, problem_id: str) -> None:
        waits = self._open.get(problem_id)
        if waits is None or not all(k in self._log for k in waits):
            return
        if wanted := self.wants(problem_id):
            self._open[problem_id] = wanted
            self.want(wanted)
        else:
            del self._open[problem_id]
