"""Slurm's commands for a test: `sbatch` runs the array that it is given, one task after another."""

from __future__ import annotations

import sys
from pathlib import Path

_SBATCH = """#!{python}
import os, re, subprocess, sys
from pathlib import Path
home = Path({home!r})
text = Path(sys.argv[-1]).read_text()
n = len(list(home.glob("script-*"))) + 1
(home / f"script-{{n}}").write_text(text)
(home / f"argv-{{n}}").write_text(" ".join(sys.argv[1:-1]))
print(f"Submitted batch job {{n}}")
sys.stdout.flush()
if "lorid_data.distributed.task" in text:
    first, last = map(int, re.search(r"--array=(\\d+)-(\\d+)", text).groups())
    for i in range(first, last + 1):
        env = {{**os.environ, "SLURM_ARRAY_TASK_ID": str(i), "SLURM_JOB_ID": str(n), "SLURM_NODELIST": "localhost"}}
        with (home / f"out-{{n}}-{{i}}").open("w") as out:
            subprocess.run(["bash", str(home / f"script-{{n}}")], env=env, stdout=out, stderr=out)
"""
_SRUN = '#!/bin/bash\nwhile [[ "$1" == -* ]]; do if [ "$1" = -n ]; then shift; fi; shift; done\nexec "$@"\n'
_SCONTROL = "#!/bin/bash\necho localhost\n"
_SQUEUE = "#!/bin/bash\nexit 0\n"


def write_fake_slurm(home: Path) -> Path:
    """Write the commands; the folder to put on the PATH. What was submitted lies in `home`."""
    bin_folder = home / "bin"
    bin_folder.mkdir(parents=True)
    texts = {
        "sbatch": _SBATCH.format(python=sys.executable, home=str(home)),
        "srun": _SRUN,
        "scontrol": _SCONTROL,
        "squeue": _SQUEUE,
    }
    for name, text in texts.items():
        (bin_folder / name).write_text(text, encoding="utf-8")
        (bin_folder / name).chmod(0o755)
    return bin_folder
