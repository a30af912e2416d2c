"""The views of all trials of a run: in order, by id and by phase."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from staycourse.core.views import TrialView


class TrialViews:
    """Immutable; what has changed is put in by `updated`, and what has not is shared with the one before,
    so that `of_phase` gives the very same tuple as long as nothing in that phase has changed."""

    def __init__(self, views: Iterable[TrialView] = ()) -> None:
        self._phases: dict[int, tuple[TrialView, ...]] = {}
        self._places: Mapping[str, tuple[int, int]] = {}
        self._all: tuple[TrialView, ...] | None = None
        self._put(views)

    @property
    def all(self) -> tuple[TrialView, ...]:
        """Every trial, phase by phase, in the order of their planning."""
        if self._all is None:
            self._all = tuple(chain.from_iterable(self._phases[phase] for phase in sorted(self._phases)))
        return self._all

    def get(self, trial: str | None) -> TrialView | None:
        """The trial of that id."""
        place = self._places.get(trial) if trial is not None else None
        return self._phases[place[0]][place[1]] if place else None

    def of_phase(self, phase: int) -> tuple[TrialView, ...]:
        """The trials of a phase, in the order of their planning."""
        return self._phases.get(phase, ())

    def updated(self, views: Iterable[TrialView]) -> TrialViews:
        """With these in the place of those of the same ids; the ids that are new come at the end."""
        changed = TrialViews()
        changed._phases, changed._places = dict(self._phases), self._places
        changed._put(views)
        return changed

    def _put(self, views: Iterable[TrialView]) -> None:
        lists: dict[int, list[TrialView]] = {}
        places: dict[str, tuple[int, int]] = {}
        for view in views:
            rows = lists.get(view.phase)
            if rows is None:
                rows = lists[view.phase] = list(self._phases.get(view.phase, ()))
            place = places.get(view.id) or self._places.get(view.id)
            if place is not None:
                rows[place[1]] = view
                continue
            places[view.id] = (view.phase, len(rows))
            rows.append(view)
        self._phases.update((phase, tuple(rows)) for phase, rows in lists.items())
        if places:
            self._places = {**self._places, **places}
