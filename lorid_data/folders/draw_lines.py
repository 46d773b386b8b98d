"""The lines of `draws.jsonl`: each carries the hash of its own text, so that damage is noticed.

A line that a kill cut short has no end; a damaged one has an end and another hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from lorid_data.errors import InputError
from lorid_data.folders.paths import no_file

_BEFORE, _AFTER = b',"sha256":"', b'"}'
_WIDTH = len(_BEFORE) + 64 + len(_AFTER)


def line_of(body: bytes) -> bytes:
    """A JSON object as a line, with the hash of its text as the last field."""
    return body[:-1] + _BEFORE + hashlib.sha256(body).hexdigest().encode() + _AFTER + b"\n"


def body_of(line: bytes) -> bytes:
    """The JSON that a line was made of; nothing is compared."""
    line = line.removesuffix(b"\n")
    tail = line[-_WIDTH:]
    is_hashed = tail.startswith(_BEFORE) and tail.endswith(_AFTER)
    return line[:-_WIDTH] + b"}" if is_hashed else line


def split_line(line: bytes) -> tuple[bytes, str | None]:
    """The JSON of a draw and the hash that its line carries; None in logs from before there was one.

    Raises:
        ValueError: the JSON is not what was hashed.
    """
    body = body_of(line)
    if len(line) - len(body) < _WIDTH - 1:
        return body, None
    digest = hashlib.sha256(body).hexdigest()
    if line[-_WIDTH - line.endswith(b"\n") :][len(_BEFORE) :][:64] != digest.encode():
        raise ValueError("its text has changed since it was written")
    return body, digest


class Sum:
    """The hash of all lines together, whatever their order: resumed, an evaluation has the same.

    The hashes of the lines are added up modulo 2^256. That notices every lost, added or changed
    line, but is no protection against a person who makes up lines to fit.
    """

    def __init__(self) -> None:
        self.n = 0
        self._total = 0

    def add(self, sha256: str) -> None:
        """Count a line by its hash."""
        self.n += 1
        self._total = (self._total + int(sha256, 16)) % 2**256

    def figures(self) -> dict[str, object]:
        """What a manifest says of the lines."""
        return {"n_draws": self.n, "draws_sha256_sum": f"{self._total:064x}"}

    def check(self, path: Path, said: Mapping[str, object]) -> None:
        """Compare the lines of a file with the figures of its folder's manifest.

        Raises:
            InputError: lines are missing, have been added, or are others. A manifest from before
                there were sums says nothing.
        """
        found = self.figures()
        if "draws_sha256_sum" in said and not found.items() <= said.items():
            msg = (
                f"{path}: holds {self.n} draws, not the {said['n_draws']} that were made; put the "
                "file back as it was"
            )
            raise InputError(msg)


def sum_of(path: Path) -> Sum:
    """The sum of a file's lines, in one pass.

    Raises:
        InputError: no such file, a damaged line, or one without a hash.
    """
    total = Sum()
    if not path.is_file():
        raise InputError(f"{path}: {no_file(path)}; put it back as it was")
    with path.open("rb") as f:
        for number, line in enumerate(f, 1):
            try:
                sha256 = split_line(line)[1]
            except ValueError as e:
                raise InputError(f"{path}:{number}: a damaged line ({e})") from e
            if sha256 is None or not line.endswith(b"\n"):
                raise InputError(
                    f"{path}:{number}: a damaged line (its hash or its end is missing)"
                )
            total.add(sha256)
    return total
