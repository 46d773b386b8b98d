"""`python -m lorid_data.distributed.task JOB TASKS PARTITION TIME`: what Slurm starts for each task of an array.

It reads the job's own JSON, and builds the blocks anew: nothing is unpickled.
"""

from __future__ import annotations

import os
import sys


def main(argv: list[str]) -> int:
    """Do the task that `SLURM_ARRAY_TASK_ID` names."""
    from lorid_data.distributed.executors import QUIET

    os.environ.update(QUIET)
    from lorid_data.distributed.slurm import executor_of

    url, n_tasks, partition, task_time = argv
    if "SLURM_ARRAY_TASK_ID" not in os.environ:
        sys.stderr.write("error: Slurm starts this, for `lorid-data run --executor slurm:…`\n")
        return 2
    executor_of(url, int(n_tasks), partition, task_time).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
