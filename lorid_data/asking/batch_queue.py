"""What is still to be submitted in batches: requests are made when their turn comes, and split by a provider's limits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain

from lorid_data.teachers.base import TeacherRequest

Missing = Callable[[], Iterable[tuple[str, TeacherRequest]]]
"""Requests that are to be answered, with the keys of the first requests; the same ones at every call."""
_KEY = 32
"""Hex digits of a key by which it is known here."""


class BatchQueue:
    """Requests that nobody has submitted yet, and which of all are waited for.

    What is held is 16 bytes of each key, and the requests that come back: those that failed, or are
    asked again with room for a longer reply.
    """

    def __init__(self, missing: Missing) -> None:
        self._waiting: set[bytes] = set()
        self._firsts: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        """Of requests for longer replies: the first by their key, and their key by the first."""
        for first, request in missing():
            self._waiting.add(_short(first))
            if request.key != first:
                self._longer(first, request)
        self._again: dict[str, TeacherRequest] = {}
        self._held: deque[tuple[str, TeacherRequest]] = deque()
        self._source = iter(missing())
        self._submitted: set[bytes] = set()

    def __len__(self) -> int:
        """How many are waited for."""
        return len(self._waiting)

    def skip(self, keys: Collection[str]) -> None:
        """Requests that an earlier run submitted, and which have not come back."""
        self._submitted.update(map(_short, keys))

    def first_of(self, key: str) -> str | None:
        """The key under which the request with this key is waited for, if it is."""
        first = key if _short(key) in self._waiting else self._firsts.get(key, "")
        return first if first and _short(first) in self._waiting else None

    def back(self, first: str, request: TeacherRequest) -> None:
        """A request that is to be submitted again, maybe with room for a longer reply."""
        if request.key != first:
            self._longer(first, request)
        self._again[first] = request

    def back_if_wanted(self, request: TeacherRequest) -> None:
        """A request whose batch is over without an answer to it: again, unless a longer one has taken its place."""
        first = self.first_of(request.key)
        if first is not None and self._keys.get(first, first) == request.key:
            self.back(first, request)

    def _longer(self, first: str, request: TeacherRequest) -> None:
        self._firsts[request.key] = first
        self._keys[first] = request.key

    def done(self, first: str) -> None:
        """It is answered."""
        self._waiting.discard(_short(first))
        self._again.pop(first, None)

    def next(self) -> tuple[str, TeacherRequest] | None:
        """The next request to submit, which is then out; None where none is left."""
        while self._held or self._again:
            if self._held:
                return self._held.popleft()
            first = next(iter(self._again))
            return first, self._again.pop(first)
        for first, request in self._source:
            if _short(request.key) not in self._submitted:
                return first, request
        return None

    def put_back(self, some: Iterable[tuple[str, TeacherRequest]]) -> None:
        """Requests that were taken and not submitted: they are the next ones."""
        self._held = deque(chain(some, self._held))

    def parts(
        self,
        most: int,
        most_bytes: int,
        n_bytes: Callable[[TeacherRequest], int],
        fits: Callable[[TeacherRequest], bool],
    ) -> Iterator[list[TeacherRequest]]:
        """Requests in parts that a provider takes as one batch.

        Args:
            most: requests of a part.
            most_bytes: bytes of a part.
            n_bytes: what a request takes.
            fits: is asked of each request, in order, whether it may be submitted too; the first that
                may not ends the last part.
        """
        part: list[TeacherRequest] = []
        size = 0
        while (taken := self.next()) is not None:
            request = taken[1]
            more = n_bytes(request)
            if part and (len(part) == most or size + more > most_bytes):
                self.put_back([taken])
                yield part
                part, size = [], 0
                continue
            if not fits(request):
                self.put_back([taken])
                break
            part.append(request)
            size += more
        if part:
            yield part


def _short(key: str) -> bytes:
    return bytes.fromhex(key[:_KEY])
