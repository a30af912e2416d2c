"""Whether a teacher's outputs may be kept: it has to say the same of a sample whenever, and with whomever, it
is asked, and to do nothing else that could be noticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from staycourse.training.randomness import changed, states
from staycourse.training.teacher.outputs import Unkept

# The parts of what a teacher says of samples.
Ask = Callable[[list[torch.Tensor]], list[torch.Tensor]]

# Matrix products over other numbers of samples differ in their last bits; relative to the largest output.
_TOLERANCES = {torch.float64: 1e-4, torch.float32: 5e-3}
_LOW_TOLERANCE = 0.05


def refuse_observed(teacher: nn.Module) -> None:
    """Raises Unkept if a hook looks at what happens inside of the teacher, which it would miss, or if the
    task lets gradients reach its weights."""
    if any(weight.requires_grad for weight in teacher.parameters()):
        raise Unkept("the task has unfrozen its weights")
    for name, module in teacher.named_modules():
        if module is not teacher and (module._forward_hooks or module._forward_pre_hooks):
            raise Unkept(f"a hook is registered on its {name}")


def examine(
    teacher: nn.Module, ask: Ask, given: Sequence[torch.Tensor], parts: Sequence[torch.Tensor]
) -> None:
    """Ask it again, about half of the samples that it has said `parts` of. Raises Unkept.

    The first call has let it make what it makes once; a second one must leave nothing behind.
    """
    count = max(1, len(given[0]) // 2)
    before, drawn = _traces(teacher), states()
    again = ask([tensor[:count] for tensor in given])
    if changed(drawn):
        raise Unkept("it draws random numbers")
    if (name := _differing(before, _traces(teacher))) is not None:
        raise Unkept(f"it keeps something of what it computes ({name})")
    for whole, half in zip(parts, again, strict=True):
        if not _agree(whole[:count], half):
            raise Unkept("what it says of a sample depends on the other samples of the batch")


def _agree(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if not (a.is_floating_point() or a.is_complex()):
        return torch.equal(a, b)
    tolerance = _TOLERANCES.get(a.dtype, _LOW_TOLERANCE)
    finite = a[torch.isfinite(a)]
    scale = finite.abs().max().item() if finite.numel() else 0.0
    return torch.allclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


def version(tensor: torch.Tensor) -> int:
    """A number that grows when the tensor is changed in place, where torch counts that."""
    return -1 if tensor.is_inference() else tensor._version


def _traces(teacher: nn.Module) -> dict[str, Any]:
    """What would tell of a change in any module: its attributes, and those of tensors and collections."""
    found = {}
    for prefix, module in teacher.named_modules():
        for name, value in vars(module).items():
            found[f"{prefix}.{name}".lstrip(".")] = _trace(value)
    return found


def _trace(value: Any, depth: int = 3) -> Any:
    if isinstance(value, torch.Tensor):
        return id(value), version(value)
    if isinstance(value, (dict, list, tuple)) and depth:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return id(value), [(key, _trace(item, depth - 1)) for key, item in items]
    return value if isinstance(value, (int, float, str)) else id(value)


def _differing(before: dict[str, Any], after: dict[str, Any]) -> str | None:
    return next((name for name in after if before.get(name) != after[name]), None)
