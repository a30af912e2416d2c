"""Optimizers by name: staycourse's own three, and every one in Nevergrad's registry."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import nevergrad as ng

from staycourse.core.problems import UserError
from staycourse.search.bayes import StaycourseBO
from staycourse.search.parametrization import Codec
from staycourse.search.request import Search
from staycourse.search.samplers import QuasiRandom, random_search


class UnknownOptimizer(UserError):
    """No optimizer has this name."""


def known(name: str) -> bool:
    """Whether the name is one of staycourse's own or of Nevergrad's registry (spelt exactly so)."""
    return name in _OWN or name in _registry()


def unknown(name: str) -> str:
    """What to say about a name that is not known: the nearest ones."""
    names = [*_OWN, *_registry()]
    near = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=3, cutoff=0.6)
    meant = [next(n for n in names if n.lower() == lower) for lower in near]
    own = ", ".join(f"'{n}'" for n in _OWN)
    hint = f"did you mean {' or '.join(repr(n) for n in meant)}?" if meant else f"own: {own}"
    return f"there is no optimizer '{name}': {hint} (any name in Nevergrad's registry will do)"


def build(search: Search, codec: Codec, parametrization: Any) -> Any:
    """A Nevergrad optimizer; raises UnknownOptimizer, and whatever the optimizer itself raises."""
    if search.optimizer in _OWN:
        return _OWN[search.optimizer](search, codec, parametrization)
    if not known(search.optimizer):
        raise UnknownOptimizer(unknown(search.optimizer))
    make = _registry()[search.optimizer]
    return make(parametrization, budget=search.budget, num_workers=search.parallel)


def _bayes(search: Search, codec: Codec, parametrization: Any) -> Any:
    return StaycourseBO(parametrization, search.budget, search.parallel, codec=codec)


def _random(search: Search, codec: Codec, parametrization: Any) -> Any:
    return random_search(parametrization, search.budget, search.parallel)


def _quasi_random(search: Search, codec: Codec, parametrization: Any) -> Any:
    return QuasiRandom(parametrization, search.budget, search.parallel, codec=codec)


def _registry() -> Any:
    return ng.optimizers.registry


_OWN: dict[str, Callable[[Search, Codec, Any], Any]] = {
    "bayes": _bayes,
    "quasi-random": _quasi_random,
    "random": _random,
}
