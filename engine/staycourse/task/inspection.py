"""`python -m staycourse.task.inspection`: what only running the task can tell. JSON on stdin, JSON on stdout.

The request is that of `task.inspection_request`.

The answer: {"problems": [{"path", "message", "right"}], "notes": [text], "facts": {…}}; `facts` is complete
only if there are no problems. What the task prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from staycourse.core import schedules
from staycourse.core import space as spaces
from staycourse.core.job import DataSpec, TaskSpec, TrainingSpec
from staycourse.core.problems import KeyPath, Problem, UserError
from staycourse.core.space import Space
from staycourse.task import fingerprint as fingerprints
from staycourse.task.contract import Task
from staycourse.task.covering import completed, covering, largest_batch, too_small
from staycourse.task.data_files import filled
from staycourse.task.distributions import imported_distributions
from staycourse.task.fingerprint import Fingerprint
from staycourse.task.mistakes import TaskError, called, raised
from staycourse.task.opened_files import OpenedFiles
from staycourse.task.outside import OutsideFiles, told
from staycourse.task.places import Places
from staycourse.task.probing import Probing, fetch_problem, first_of_stream, unreported
from staycourse.task.schedule_check import ScheduleCheck
from staycourse.training import data as data_of
from staycourse.training.data import Data, EpochError
from staycourse.training.probe import probe
from staycourse.training.shards.reading import ShardError

_FILE: KeyPath = ("task", "file")
# A data set that was made this quickly is made twice, to see whether it comes out the same.
_REMAKE_SECONDS = 1.0


class Inspection:
    """One inspection: fills `problems`, `notes` and `facts` as far as the task lets it."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.request = request
        self.spec = TaskSpec(**request["task"])
        self.space: Space = spaces.from_json(request["space"])
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.facts: dict[str, Any] = {}
        self.exact = True
        folder, origin = Path(self.spec.folder), Path(request.get("origin") or self.spec.folder)
        places = Places(Path(self.spec.code), (folder, origin))
        self.opened, self.outside = OpenedFiles(places), OutsideFiles(folder, places)

    def run(self) -> None:
        task = self._task()
        with self.opened:
            data = self._data(task) if task is not None else None
        if task is None or data is None:
            return
        self._sizes(data)
        with self.opened:
            self._samples(task, data)
        if not self.problems:
            self._probe(task, data)
        if not self.problems:
            self._fingerprint(task, data)
        if not self.problems:
            self._outside()
        self._surroundings()

    def answer(self) -> dict[str, Any]:
        return {
            "problems": [
                {"path": list(p.path), "message": p.message, "right": p.right or self._hint(p.message)}
                for p in self.problems
            ],
            "notes": self.notes,
            "facts": self.facts,
        }

    def _hint(self, message: str) -> str:
        """For who looks for files beside the code, which runs from a copy."""
        if self.spec.code not in message:
            return ""
        return (
            "the task runs from a copy of its code, so files beside __file__ are not there; "
            "name them in [task] args, or from the roadmap's folder, which is the working directory"
        )

    def _task(self) -> Task | None:
        try:
            task = Task.load(self.spec, self.outside.importing)
        except TaskError as error:
            self.problems += error.problems
            return None
        self.outside.listen_to(task)
        return task

    def _data(self, task: Task) -> Data | None:
        spec = DataSpec(
            validation=self.request.get("validation", 0.2),
            files=tuple(self.request.get("files") or ()),
            trusted=bool(self.request.get("trusted", False)),
            buffer=self.request.get("buffer", DataSpec.buffer),
            epoch_steps=self.request.get("epoch_steps"),
        )
        began = time.perf_counter()
        try:
            data = data_of.prepare(task, spec, self.request["seed"])
            if data.is_stream:
                self._stream(data)
            elif task.has("dataset") and time.perf_counter() - began < _REMAKE_SECONDS:
                self._remake(task, data, spec)
        except ShardError as error:
            self.problems.append(Problem(("data", "files"), str(error)))
        except EpochError as error:
            self.problems.append(Problem(("training", "epoch"), str(error)))
        except UserError as error:
            self.problems.append(Problem(_FILE, str(error)))
        except (Exception, SystemExit) as error:
            what = called(error, task.folder) or "dataset()"
            self.problems.append(raised(what, error, task.folder))
        return data if not self.problems else None

    def _stream(self, data: Data) -> None:
        """Without a length and an order, no share of it can be taken, and no number need repeat."""
        self.exact = False
        self.notes.append("the data has no order of its own: numbers need not repeat exactly")
        if min(self.request.get("shares") or [1.0]) < 1:
            said = "a phase takes a share of the data, and a stream of samples has none"
            self.problems.append(Problem(_FILE, said, "all of it, or a data set with a length"))

    def _remake(self, task: Task, data: Data, spec: DataSpec) -> None:
        """A data set drawn from a generator of its own comes out different in every process."""
        again = data_of.prepare(task, spec, self.request["seed"])
        same = len(again.train) == len(data.train) and all(
            _sample_hash(data.train.dataset, i, 1) == _sample_hash(again.train.dataset, i, 1)
            for i in data.train.indices[:: max(1, len(data.train) // 4)]
        )
        if same:
            return
        self.exact = False
        if self.request.get("exact", True):
            self.problems.append(
                Problem(
                    _FILE,
                    "dataset() gives different data when it is called again at equal seeds",
                    "draw from the global generators of torch, random or numpy, or seed your own, "
                    "or allow it with [data] exact = false",
                )
            )

    def _sizes(self, data: Data) -> None:
        largest = self.request.get("largest_batch") or largest_batch(self.space)
        shares = self.request.get("shares") or [1.0]
        if not data.is_stream and (problem := too_small(len(data.train), shares, largest, self.space)):
            self.problems.append(problem)
        self.facts |= {
            "train_samples": len(data.train) or None,
            "validation_samples": 0 if data.validation is None else len(data.validation),
            "stratified": data.stratified,
            "grouped": data.grouped,
            "split_given": data.split_given,
        }

    def _samples(self, task: Task, data: Data) -> None:
        if data.is_stream:
            problem, sample = first_of_stream(data, task.folder)
            if problem is not None:
                self.problems.append(problem)
            self.facts |= {"sample": fingerprints.describe(sample), "exact": False}
            return
        exact = bool(self.request.get("exact", True))
        problem, alike = fetch_problem(data, _sample_hash, task.folder, exact)
        self.exact = self.exact and alike
        if problem is not None:
            self.problems.append(problem)
        elif not self.exact:
            self.notes.append("the data answers differently each time: numbers will not repeat exactly")
        if problem is None or not alike:
            sample = fingerprints.sample_at(data.train.dataset, data.train.indices[0], 1)
            self.facts |= {"sample": fingerprints.describe(sample), "exact": self.exact}

    def _probe(self, task: Task, data: Data) -> None:
        collate = task.collate()
        try:
            seen = probe(data, collate)
        except (Exception, SystemExit) as error:
            what = "collate()" if collate else "collating samples (the task has no collate())"
            self.problems.append(raised(what, error, task.folder))
            return
        setups = covering(self.space)
        for named in self.request.get("setups") or []:
            if (setup := completed(self.space, named)) not in setups:
                setups.append(setup)
        declared = schedules.from_json(self.request.get("schedules") or {})
        probing = Probing(
            task,
            data,
            setups,
            self.request["seed"],
            ScheduleCheck(declared, self.request.get("horizons") or [1], self.space),
            self.request.get("device") or "cpu",
            seen.uses,
            # Compiling takes minutes: a rehearsal does it.
            TrainingSpec(**{**(self.request.get("training") or {}), "compile": False}),
        )
        probing.run()
        self.problems += probing.problems
        self.facts |= {
            "generators": sorted(seen.uses),
            "metrics": ["train_loss", *probing.reported],
            "parameters": max(probing.parameters, default=0),
            "weights_bytes": max(probing.weights_bytes, default=0),
            "checkpoint_bytes": max(probing.checkpoint_bytes, default=0),
            "setups_tried": len(setups),
        }
        if not probing.problems:
            self.problems += unreported(self.request.get("metrics") or [], self.facts["metrics"])
            unread, notes = probing.unread()
            self.problems += unread
            self.notes += notes

    def _fingerprint(self, task: Task, data: Data) -> None:
        """With it, which files to watch, and what they are now: `data_files`, no part of the seal itself."""
        folder, method = Path(self.spec.folder), self.request.get("fingerprint_method")
        if files := self.request.get("files"):
            found = fingerprints.of_files(folder, [filled(pattern, task.args) for pattern in files])
            if isinstance(found, list):
                self.problems += found
                return
            taken, manifest = found
        else:
            with self.opened:
                taken = self._of_samples(data, method)
            manifest = self.opened.manifest(folder, vars(task.args))
        self.facts |= {"fingerprint": taken.facts(), "data_files": manifest.to_json()}

    def _of_samples(self, data: Data, method: str | None) -> Fingerprint:
        datasets = fingerprints.sample_sets(data)
        if self.exact:
            return fingerprints.of_samples(datasets, self.request["seed"], method)
        sizes = [len(dataset) if hasattr(dataset, "__len__") else 0 for dataset in datasets]
        return fingerprints.of_description(self.facts["sample"], sizes)

    def _outside(self) -> None:
        if found := self.outside.found(self.facts["data_files"]):
            self.facts["outside"] = found
            self.notes.append(told(found))

    def _surroundings(self) -> None:
        cuda = torch.cuda.is_available()
        self.facts |= {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "cuda": torch.version.cuda if cuda else None,
            "device": self.request.get("device") or "cpu",
            "distributions": imported_distributions(Path(self.spec.code)),
        }


def inspect(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request, in this process: working directory, threads and modules are changed."""
    inspection = Inspection(request)
    torch.set_num_threads(1)
    os.chdir(inspection.spec.folder)
    inspection.run()
    return inspection.answer()


def main() -> None:
    """Answer the request on stdin; standard output is kept for the answer."""
    answer_to = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    answer = inspect(json.load(sys.stdin))
    with os.fdopen(answer_to, "w") as out:
        json.dump(answer, out)
    sys.stderr.flush()
    # Threads and processes that the task has left behind are not waited for.
    os._exit(0)


def _sample_hash(dataset: Any, index: int, seed: int) -> str:
    return fingerprints.of_value(fingerprints.sample_at(dataset, index, seed))


if __name__ == "__main__":
    main()
