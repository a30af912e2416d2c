"""A teacher that is asked once a sample: later calls with the same samples are answered from what was kept.

In most distillation the teacher meets the very same sample in every epoch of every trial. Where that is so,
its outputs for all samples are computed at its first call, by rule and not by chance: the same ones answer
the first step and the last, in each trial, whichever came first.
"""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import IterableDataset

from staycourse.core.job import Job
from staycourse.task.contract import Task
from staycourse.training.data import Data
from staycourse.training.device import tensors_of
from staycourse.training.fetching import TRAIN, VALIDATION
from staycourse.training.plan import Plan
from staycourse.training.randomness import Randomness, undisturbed
from staycourse.training.teacher.examining import refuse_observed, version
from staycourse.training.teacher.filling import Call, Filling
from staycourse.training.teacher.outputs import Outputs, Unkept, opened

# Of the device memory that is free when outputs are there: others wait on the CPU.
_SHARE_OF_DEVICE = 0.1

Meet = Callable[[Any], None]
Tell = Callable[..., None]


def reason_against(job: Job, task: Task, data: Data, uses: frozenset[str], teacher: Any) -> str:
    """Why a teacher has to be asked at each step, as far as that can be told before it is; "" if nothing
    speaks against keeping what it says. `uses` are the generators that samples draw from."""
    parts = [part for part in (data.train, data.validation) if part is not None]
    reasons = {
        "teacher_cache = false": job.training.teacher_cache == 0,
        "it is no torch.nn.Module": not isinstance(teacher, nn.Module),
        "it is compiled": isinstance(teacher, torch.jit.ScriptModule) or hasattr(teacher, "_orig_mod"),
        "samples are drawn anew each time": bool(uses) or not job.data.exact,
        "samples have no order": any(isinstance(part.dataset, IterableDataset) for part in parts),
        "collate() puts batches together": task.has("collate"),
        "a rehearsal sees a few samples only": job.batches_per_epoch is not None,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


class TeacherCache:
    """Stands before the `forward` of a teacher.

    A call is answered from what is kept if it passes tensors of the batch that was met last, unchanged, and
    nothing else; any other call is the teacher's own. `why` says what speaks against keeping anything;
    `tell` is called with what there is to tell of it, and may raise.
    """

    def __init__(
        self,
        teacher: nn.Module,
        data: Data,
        randomness: Randomness,
        move: Callable[[Any], Any],
        *,
        device: torch.device,
        folder: Path | None = None,
        most_bytes: int = 0,
    ) -> None:
        self.tell: Tell = lambda kind, **body: None
        self._teacher, self._forward, self._device = teacher, teacher.forward, device
        self._folder = folder
        self._filling = Filling(teacher, self._forward, randomness, move, most_bytes, self._tick)
        self._sets = _sets(data)
        held = {} if data.validation is None else {VALIDATION: data.validation}
        self._indices = {name: torch.as_tensor(p.indices) for name, p in ({TRAIN: data.train} | held).items()}
        self._weights = [*teacher.parameters(), *teacher.buffers()]
        self._versions = [version(weight) for weight in self._weights]
        self._met: list[tuple[weakref.ref[torch.Tensor], int]] = []
        self._part, self._rows = TRAIN, torch.empty(0, dtype=torch.int64)
        self._kept: dict[str, Outputs | None] = {}
        self._refusals: list[str] = []
        self._digest = ""
        teacher.forward = self._answer

    @property
    def facts(self) -> dict[str, Any]:
        """Whether the teacher's outputs are kept, for the record; nothing as long as nobody has asked."""
        kept = [outputs for outputs in self._kept.values() if outputs is not None]
        if not self._kept:
            return {}
        facts: dict[str, Any] = {"teacher": "kept" if kept else "asked"}
        if kept:
            facts |= {
                "teacher_bytes": sum(outputs.bytes for outputs in kept),
                "teacher_sha256": sorted({outputs.sha256 for outputs in kept}),
            }
        return facts | ({"teacher_why": "; ".join(dict.fromkeys(self._refusals))} if self._refusals else {})

    def meeting(self, plan: Plan, start: int = 0) -> Meet:
        """What is to be called with each batch of the plan's passes from update `start` on, in their order,
        once it lies on the device."""
        rows = self._indices[plan.part][torch.as_tensor(plan.order, dtype=torch.int64)]
        places = plan.places(start)

        def meet(batch: Any) -> None:
            _, begin, end = next(places)
            # No hold on the batch itself: its memory is needed for the next one.
            self._met = [(weakref.ref(tensor), version(tensor)) for tensor in tensors_of(batch)]
            self._part, self._rows = plan.part, rows[begin:end]

        return meet

    def _answer(self, *args: Any, **kwargs: Any) -> Any:
        call = None if self._teacher.training else self._call_of(args, kwargs)
        if call is not None and [version(weight) for weight in self._weights] == self._versions:
            outputs = self._outputs(call)
            if outputs is not None:
                return outputs.of(self._rows, self._device)
        return self._forward(*args, **kwargs)

    def _call_of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call | None:
        """The call, if it passes tensors of the batch as they were fetched."""
        places = [self._place(value) for value in (*args, *kwargs.values())]
        known = tuple(place for place in places if place is not None)
        return Call(known, tuple(kwargs)) if known and len(known) == len(places) else None

    def _place(self, value: Any) -> int | None:
        if not isinstance(value, torch.Tensor) or value.requires_grad:
            return None
        for place, (met, as_met) in enumerate(self._met):
            if met() is value:
                is_whole = version(value) == as_met and value.dim() > 0 and len(value) == len(self._rows)
                return place if is_whole else None
        return None

    def _outputs(self, call: Call) -> Outputs | None:
        name = self._sets[self._part][0]
        key = json.dumps({"data": name, "call": [call.places, call.names], **self._casting()})
        if key not in self._kept:
            try:
                refuse_observed(self._teacher)
                self._kept[key] = self._placed(self._obtained(call, key))
            except Unkept as reason:
                self._kept[key] = None
                self._refusals.append(str(reason))
            self.tell("loading", **self.facts)
        return self._kept[key]

    def _obtained(self, call: Call, key: str) -> Outputs:
        """From the run's folder, or from the teacher."""
        name, dataset = self._sets[self._part]
        self._digest = self._digest or _digest(self._teacher)
        key = json.dumps({"of": key, "samples": len(dataset), "teacher": self._digest})
        path = None
        if self._folder is not None:
            path = self._folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.bin"
            if (outputs := opened(path, key)) is not None:
                return outputs
        row_bytes = sum(_row_bytes(self._met[place][0]()) for place in call.places)
        with undisturbed(self._device), torch.inference_mode(False), torch.no_grad():
            return self._filling.fill(dataset, call, row_bytes, path, key)

    def _placed(self, outputs: Outputs) -> Outputs:
        """On the device, where there is room."""
        if self._device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(self._device)
            if outputs.bytes <= _SHARE_OF_DEVICE * free:
                return outputs.to(self._device)
        return outputs

    def _casting(self) -> dict[str, str]:
        """The precision in which the teacher is asked: another one gives other outputs."""
        kind = self._device.type
        cast = str(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else ""
        return {"device": kind, "cast": cast}

    def _tick(self, number: int) -> None:
        self.tell("teaching", batch=number)


def _sets(data: Data) -> dict[str, tuple[str, Any]]:
    """Each part's data set, under a name that is the same for every trial that meets it: phases that hold
    nothing out see the same samples as those that do."""
    if data.validation is None:
        return {TRAIN: ("all" if data.split_given else TRAIN, data.train.dataset)}
    is_one = data.validation.dataset is data.train.dataset
    held = (TRAIN if is_one else VALIDATION, data.validation.dataset)
    return {TRAIN: (TRAIN, data.train.dataset), VALIDATION: held}


def _digest(teacher: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, value in teacher.state_dict().items():
        if isinstance(value, torch.Tensor):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)} ".encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _row_bytes(tensor: torch.Tensor | None) -> int:
    return 0 if tensor is None or not len(tensor) else tensor[0].numel() * tensor.element_size()
