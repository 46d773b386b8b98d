"""What is held of all lists while a student chooses among them: numbers, and none of their texts."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from lorid_data.build.by_student import Given, Prior, Right, best_by_student, prior

Teacher = tuple[str, str]
"""Kind and model."""
NONE = -1
"""Of a choice: no list can be used."""
_BYTES = 16
"""Of the hash that tells original questions apart: no chance likeness is to be feared."""


class Tally:
    """The lists of all rows: whose each is, whether it may be taken, and how many draws with it are right.

    Held are 19 bytes a list, and 28 a row. Every second draw, the even ones or the odd ones, is a half by itself.
    """

    def __init__(self) -> None:
        self.teachers: dict[Teacher, int] = {}
        """Their numbers."""
        self._teacher, self._is_usable = array("H"), array("B")
        self._right, self._draws = (array("I"), array("I")), (array("I"), array("I"))
        self._ends = array("Q")
        self.audited = array("i")
        """The audit's choice of each row, or `NONE`."""
        self._originals = bytearray()

    def add(
        self,
        teachers: Sequence[Teacher],
        usable: Sequence[int],
        right: Sequence[Right],
        *,
        audited: int | None,
        original_id: str,
    ) -> None:
        """A row.

        Args:
            teachers: whose each of its lists is.
            usable: the numbers of those that may be taken.
            right: the student's draws with each.
            audited: the audit's choice.
            original_id: the question that the row is of.
        """
        for i, (teacher, draws) in enumerate(zip(teachers, right, strict=True)):
            self._teacher.append(self.teachers.setdefault(teacher, len(self.teachers)))
            self._is_usable.append(i in usable)
            for half in (0, 1):
                of = [ok for n, ok in draws.items() if n % 2 == half]
                self._right[half].append(sum(of))
                self._draws[half].append(len(of))
        self._ends.append(len(self._teacher))
        self.audited.append(NONE if audited is None else audited)
        self._originals += blake2b(original_id.encode(), digest_size=_BYTES).digest()

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def has_draws(self) -> bool:
        """Whether the student was given any of the lists."""
        return any(map(any, self._draws))

    def rows(self, half: int | None = None) -> Iterator[list[Given]]:
        """The lists of each row, with all draws or with those of one half."""
        right, draws = self._counts(half)
        begin = 0
        for end in self._ends:
            yield [
                Given(self._teacher[i], bool(self._is_usable[i]), right[i], draws[i])
                for i in range(begin, end)
            ]
            begin = end

    def originals(self) -> Iterator[bytes]:
        """A hash of the original question of each row."""
        for i in range(0, len(self._originals), _BYTES):
            yield bytes(self._originals[i : i + _BYTES])

    def priors(self, half: int | None = None) -> list[Prior]:
        """What all lists of each teacher say of one of them, by the teacher's number."""
        right, draws = self._counts(half)
        return [prior(_Of(n, self._teacher, right, draws)) for n in self.teachers.values()]

    def picked(self, half: int | None = None) -> array[int]:
        """The student's choice of each row, or `NONE`; of equal lists the audit's, else the earlier one."""
        of = self.priors(half)
        found = (
            best_by_student(lists, of, first=audited)
            for lists, audited in zip(self.rows(half), self.audited, strict=True)
        )
        return array("i", (NONE if best is None else best for best in found))

    def _counts(self, half: int | None) -> tuple[array[int], array[int]]:
        """Right draws and all draws of each list."""
        if half is not None:
            return self._right[half], self._draws[half]
        return _sums(*self._right), _sums(*self._draws)


def _sums(a: array[int], b: array[int]) -> array[int]:
    return array("I", map(int.__add__, a, b))


class _Of:
    """(right, draws) of each list of one teacher, as often as they are wanted."""

    def __init__(
        self, number: int, teachers: array[int], right: array[int], draws: array[int]
    ) -> None:
        self._number, self._columns = number, (teachers, right, draws)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((k, n) for of, k, n in zip(*self._columns, strict=True) if of == self._number)
