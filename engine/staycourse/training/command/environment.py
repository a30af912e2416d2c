"""What a script finds in its environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from staycourse.core.command import Told, fill
from staycourse.core.job import Job
from staycourse.training.command.place import Place

# As many threads as the roadmap says; the fork server's own setting is one.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def environment(job: Job, told: Told, place: Place) -> dict[str, str]:
    """The engine's own, what the roadmap declares, and where results may be written."""
    assert job.task.command is not None
    spec = job.task.command
    variables = dict(os.environ)
    variables |= dict.fromkeys(_THREADS, str(job.threads))
    # Lines are to come when they are printed, and the copy of the code is to hold no compiled files.
    variables |= {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    # What is installed beside the interpreter (torchrun, say) is found, and a shell script's `python` is it.
    folder = Path(spec.python or sys.executable).parent
    variables["PATH"] = f"{folder}{os.pathsep}{variables.get('PATH', os.defpath)}"
    if (folder.parent / "pyvenv.cfg").exists():
        variables["VIRTUAL_ENV"] = str(folder.parent)
    variables |= {"STAYCOURSE_METRICS": str(place.metrics), "STAYCOURSE_TRIAL": job.trial}
    values = told.values()
    return variables | {name: fill(text, values) for name, text in spec.env.items()}
