"""The kinds of phase, one file a kind: a new kind is one new file here, found by itself."""

from __future__ import annotations

import importlib
import pkgutil

from staycourse.core.phases.base import Phase


def kinds() -> dict[str, type[Phase]]:
    """Every kind by name."""
    found: dict[str, type[Phase]] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for value in vars(module).values():
            is_here = isinstance(value, type) and value.__module__ == module.__name__
            if is_here and issubclass(value, Phase) and hasattr(value, "KIND"):
                found[value.KIND] = value
    return found
