"""`--workers`, the option of every command that spreads its rows over processes.

It is no part of a folder's identity: the bytes are the same whatever their number.
"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

Workers = Annotated[int | None, Parameter(validator=validators.Number(gte=1))]


def n_workers(asked: int | None) -> int:
    """How many processes: as many as asked for, or as there are cores that this program may use."""
    from lorid_data.workers.cores import usable_cores

    return asked or usable_cores()
