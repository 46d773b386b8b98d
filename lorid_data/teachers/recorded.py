"""The teacher `recorded`: replays packaged replies, keyed by the question; asks nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from lorid_data.errors import InputError, TeacherError
from lorid_data.schema import RejectReason, TeacherReply, canonical_json
from lorid_data.teachers.base import TeacherRequest, make_reply

FOLDER = Path(__file__).parent / "recordings"


class RecordedTeacher:
    """Replies from files of `{"id": problem_id, "knowledge": [rule, …]}` lines."""

    kind = "recorded"

    def __init__(self, folder: Path = FOLDER) -> None:
        self._rules, digest = _read(folder)
        self.model = f"recorded-{digest[:12]}"

    async def ask(self, request: TeacherRequest) -> TeacherReply:
        """The recorded reply.

        Raises:
            TeacherError: none is recorded for this question.
        """
        rules = self._rules.get(request.problem_id)
        if rules is None:
            raise TeacherError(
                RejectReason.NOT_RECORDED,
                f"no reply is recorded for problem {request.problem_id[:12]}…; {len(self._rules)} are",
            )
        return make_reply(request, canonical_json({"output": rules}), cost_usd=0.0)


@cache
def _read(folder: Path) -> tuple[Mapping[str, list[str]], str]:
    """Rules by problem id, and the sha256 over the files' bytes in name order."""
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise InputError(f"{folder}: no recorded replies (*.jsonl) here; reinstall the package")
    digest = sha256()
    rules: dict[str, list[str]] = {}
    for path in paths:
        data = path.read_bytes()
        digest.update(data)
        for n, line in enumerate(data.decode("utf-8").removesuffix("\n").split("\n"), start=1):
            row = json.loads(line)
            if rules.setdefault(row["id"], row["knowledge"]) != row["knowledge"]:
                raise InputError(
                    f"{path}:{n}: another reply for problem {row['id']!r} stands above"
                )
    return rules, digest.hexdigest()
