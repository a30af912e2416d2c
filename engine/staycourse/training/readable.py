"""Whether a checkpoint of some content could be loaded again: only tensors and plain values can."""

from __future__ import annotations

import io
import re
from typing import Any

import torch

from staycourse.training.device import mapped

_NAMED = re.compile(r"(?:GLOBAL|class) (\S+) ")


def unreadable(content: Any) -> str | None:
    """What in it could not be loaded, by its type's name; None if all of it can. Tensors are looked at
    without their values."""
    file = io.BytesIO()
    try:
        torch.save(mapped(content, _emptied), file)
        file.seek(0)
        torch.load(file, weights_only=True)
    except Exception as error:  # pickle raises what the object's own code does
        named = _NAMED.search(str(error))
        return named[1] if named else f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return None


def _emptied(item: Any) -> Any:
    return torch.empty(0) if isinstance(item, torch.Tensor) else item
