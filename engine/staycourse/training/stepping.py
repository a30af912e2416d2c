"""One parameter update: precision, gradient accumulation, clipping, averaged weights.

`Stepper.update(plan, number, next_batch)` is what the loop calls for each; with the defaults it is the
textbook's four lines and nothing else.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from staycourse.core.job import TrainingSpec
from staycourse.core.problems import UserError

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}

LossOf = Callable[[Any], torch.Tensor]


class Stepper:
    """How the gradients of a loss become an update of a model.

    `kept` is the model that is validated and kept: the averaged one where there is an `ema`, which follows
    the weights after each update and has the buffers as they are; else the model itself. `trained_as` and
    `kept_as` are the two as losses and metrics are given them, compiled if that is declared.
    """

    def __init__(
        self, spec: TrainingSpec, model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device
    ) -> None:
        self.spec = spec
        self._model, self._optimizer = model, optimizer
        self._dtype = _DTYPES.get(spec.precision)
        self._device = device.type
        scaled = spec.precision == "fp16"
        self._scaler = torch.amp.GradScaler(device.type) if scaled else None
        self._average = _average(model, spec.ema) if spec.ema is not None else None
        self.kept: nn.Module = model if self._average is None else self._average.module
        self.trained_as = _compiled(model) if spec.compile else model
        self.kept_as = self.trained_as if self._average is None else self.kept
        if spec.compile and self._average is not None:
            self.kept_as = _compiled(self.kept)
        self._is_plain = scaled is False and spec.grad_clip is None and spec.ema is None

    def casting(self) -> contextlib.AbstractContextManager[Any]:
        """The context in which losses and metrics are computed: lower precision where that is safe."""
        if self._dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self._device, self._dtype)

    def loss_of(self, loss_of: LossOf) -> LossOf:
        """The loss function, in the declared precision."""
        return loss_of if self._dtype is None else partial(self._cast, loss_of)

    def backward(self, loss: torch.Tensor) -> None:
        """Add the loss's gradients to those that are there."""
        (loss if self._scaler is None else self._scaler.scale(loss)).backward()  # type: ignore[no-untyped-call]

    def update(self) -> None:
        """Let the optimizer act on the gradients, and clear them."""
        if self._is_plain:
            self._optimizer.step()
        else:
            self._update_carefully()
        self._optimizer.zero_grad()

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds beside model and optimizer."""
        return {
            "scaler": None if self._scaler is None else self._scaler.state_dict(),
            "average": None if self._average is None else self._average.state_dict(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        if self._scaler is not None and state.get("scaler"):
            self._scaler.load_state_dict(state["scaler"])
        if self._average is not None and state.get("average"):
            self._average.load_state_dict(state["average"])

    @property
    def loss_scale(self) -> float | None:
        """What losses are multiplied by in fp16, None in other precisions. Waits for the device."""
        return None if self._scaler is None else float(self._scaler.get_scale())

    def _cast(self, loss_of: LossOf, batch: Any) -> torch.Tensor:
        with torch.autocast(self._device, self._dtype):
            return loss_of(batch)

    def _update_carefully(self) -> None:
        scaler, clip = self._scaler, self.spec.grad_clip
        if clip is not None:
            if scaler is not None:
                scaler.unscale_(self._optimizer)
            parameters = [p for group in self._optimizer.param_groups for p in group["params"]]
            nn.utils.clip_grad_norm_(parameters, clip)
        if scaler is None:
            self._optimizer.step()
        else:
            scaler.step(self._optimizer)
            scaler.update()
        if self._average is not None:
            self._average.update_parameters(self._model)


def is_finite(loss: torch.Tensor) -> bool:
    """Whether a loss is a number; for losses on the CPU, where asking costs nothing."""
    return math.isfinite(loss.item())


def _compiled(model: nn.Module) -> nn.Module:
    from torch._inductor import config  # more than a second, for those alone who want it

    # A pool of compiling processes would take the CPUs of other trials.
    config.compile_threads = 1
    compiled: Any = torch.compile(model)
    return compiled  # type: ignore[no-any-return]


def _average(model: nn.Module, decay: float) -> AveragedModel:
    """Weights averaged as w' = decay * w' + (1 - decay) * w after each update (Polyak and Juditsky 1992)."""
    try:
        average: Any = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        return AveragedModel(model, multi_avg_fn=average)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UserError(f"ema needs a copy of the model, and it cannot be copied: {error}") from None
