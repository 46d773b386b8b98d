"""Random access to `draws.jsonl` by problem, without holding its texts in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from lorid_data.errors import InputError
from lorid_data.folders.draw_lines import Sum, split_line
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import MANIFEST
from lorid_data.folders.verified import verify_file
from lorid_train.interaction.draws import Draw, draw_of

_ID = re.compile(rb'\{\s*"problem_id"\s*:\s*"([^"\\]*)"')


class DrawFile:
    """The draws of a `draws.jsonl`, read when they are asked for.

    Each line that carries the hash of its text is checked when the file is opened. A last line
    without its end (a kill) is left aside. Of draws with the same key the first one counts.
    """

    def __init__(self, path: Path) -> None:
        """Index the file: one pass, two integers kept per line.

        Raises:
            InputError: no such file, a damaged line, or one that is no draw.
        """
        if not path.is_file():
            msg = f"{path}: no such file; name an evaluation folder"
            raise InputError(msg)
        self._path = path
        self.sum = Sum()
        """Of the lines that carry a hash."""
        self._spans: dict[str, list[tuple[int, int]]] = {}
        start = 0
        with path.open("rb") as f:
            for number, line in enumerate(f, 1):
                if not line.endswith(b"\n"):
                    break
                if (sha256 := self._checked(line, number)) is not None:
                    self.sum.add(sha256)
                self._spans.setdefault(self._problem_id(line, number), []).append(
                    (start, len(line))
                )
                start += len(line)
        if (path.parent / MANIFEST).is_file():
            manifest = read_manifest(path.parent)
            self.sum.check(path, manifest.figures)
            if path.name in manifest.files:  # by a version before lines had hashes
                verify_file(path)

    def _checked(self, line: bytes, number: int) -> str | None:
        try:
            return split_line(line)[1]
        except ValueError as e:
            msg = f"{self._path}:{number}: a damaged line ({e}); put the file back as it was"
            raise InputError(msg) from e

    def _problem_id(self, line: bytes, number: int) -> str:
        match = _ID.match(line)
        if match:
            return match[1].decode("utf-8", "replace")
        try:
            return str(json.loads(line)["problem_id"])
        except (ValueError, KeyError, TypeError) as e:
            msg = f"{self._path}:{number}: not a draw ({e}); is this a draws.jsonl of this version?"
            raise InputError(msg) from e

    def __call__(self, problem_id: str) -> Sequence[Draw]:
        """The draws of one problem, in the order in which they were written.

        Raises:
            InputError: a line that is no draw.
        """
        found: dict[object, Draw] = {}
        spans = self._spans.get(problem_id, ())
        with self._path.open("rb") as f:
            for start, length in spans:
                f.seek(start)
                draw = draw_of(f.read(length), f"{self._path}, byte {start}", is_checked=True)
                found.setdefault(draw.key, draw)
        return list(found.values())
