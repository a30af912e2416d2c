"""Is the data, and what else the task uses, still what was sealed? A cheap look again and again, a thorough
one where it gives cause to.

The cheap look asks for sizes and times, in a thread, for a file server may hang. The thorough one compares
content, in a process of its own. Until it has answered, no further trial starts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from staycourse.core.events import Noted, RunSealed
from staycourse.core.roadmap import Roadmap
from staycourse.hardware.background import Background
from staycourse.record.files import file_sha256
from staycourse.record.store import Store
from staycourse.supervise.spawner import Child, Spawner
from staycourse.task import data_files
from staycourse.task.data_files import Manifest, Stamp

# A look may take a fiftieth of the time; a comparison, where the same files give cause to it once more, a
# tenth. They keep nobody waiting but new trials.
_REST_OF_A_LOOK, _REST_OF_A_COMPARISON = 50.0, 10.0
_LEAST_REST, _PATIENCE = 0.05, 0.05
_LONG = 30.0
_MOST_DEATHS = 3
_MOST_CODE = 200
_MOST_NAMED = 3
_RIGHT = "put it back as it was, or abandon the run"
_AS_SEALED = {
    "content": "its content did not",
    "sampled content": "its content did not, where it was looked at",
}


class DataWatch:
    """`turn` is called in every turn of the loop; `is_clear` says whether a trial may start."""

    def __init__(self, roadmap: Roadmap, store: Store, spawner: Spawner) -> None:
        self._roadmap, self._store, self._spawner = roadmap, store, spawner
        self._manifest: Manifest | None = None
        self._known: dict[str, Stamp] = {}
        self._code: list[str] = []
        self._seen: dict[str, Stamp | None] = {}
        self._compared: set[str] = set()
        self._background = Background(self._look, "data-watch")
        self._child: Child | None = None
        self._answer: dict[str, Any] | None = None
        self._deaths = 0
        self._began = self._rested_at = time.monotonic()
        self._is_looking = self._is_long = self.is_clear = self._is_owed = False

    def turn(self) -> str | None:
        """Look if it is time to; why no trial may run on this data any more, None while they may."""
        if self._child is not None:
            reason = self._hear(self._child)
            self.is_clear = self.is_clear and not self._has_code_moved()
            return reason
        if self._manifest is None:
            return self._begin()
        has_code_moved = self._has_code_moved()
        if self._is_watchable and (has_code_moved or time.monotonic() >= self._rested_at):
            self._take_look()
        if has_code_moved:
            self.is_clear = False  # whatever a look has found that began before
        return None

    def close(self) -> None:
        """End a comparison that is under way."""
        if self._child is not None:
            self._spawner.kill(self._child)
            self._spawner.let_go(self._child)
            self._child = None

    @property
    def _sealed(self) -> RunSealed:
        sealed = self._store.state.sealed
        assert sealed is not None
        return sealed

    @property
    def _folder(self) -> Path:
        return Path(self._sealed.folder)

    @property
    def _is_watchable(self) -> bool:
        return bool(self._known)

    def _begin(self) -> str | None:
        """Once a session. What no file tells of is compared before all else: hours may have gone by."""
        paths = self._store.paths
        try:
            self._manifest = self._kept("data_files", paths.data_files)
            outside = self._kept("outside", paths.outside)
        except ValueError as error:
            return str(error)
        self._known = {file.path: file.stamp for file in (*self._manifest.files, *outside.files)}
        self._code = [file.path for file in outside.files[:_MOST_CODE]]
        self._is_owed = self._has_samples and (self._is_later or not self._manifest.files)
        if not self._is_watchable:
            if self._is_owed:
                self._compare()
            else:
                self.is_clear = True
        return None

    def _kept(self, name: str, path: Path) -> Manifest:
        """A list of files in the run folder, as it was sealed. Raises ValueError."""
        kept = self._sealed.facts.get(name)
        if kept is None:
            return Manifest("opened")
        try:
            if file_sha256(path) == kept["sha256"]:
                return Manifest.read(path)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path.name} in the run's folder cannot be read: {error}") from error
        raise ValueError(f"{path.name} in the run's folder is not as it was sealed")

    @property
    def _has_samples(self) -> bool:
        method = self._sealed.facts.get("fingerprint", {}).get("method", "")
        return bool(method.endswith(" samples"))

    @property
    def _is_later(self) -> bool:
        engine = self._store.state.engine
        return engine is not None and engine.session > 1

    def _has_code_moved(self) -> bool:
        """Whether a file outside the copy is not as it is known: asked in every turn, for a trial that starts
        on other code may end before the next look."""
        known = ((name, self._known.get(name)) for name in self._code)
        return any(data_files.stamp(self._folder, name) != stamp for name, stamp in known)

    def _look(self) -> dict[str, Stamp | None]:
        """In the thread: what differs."""
        assert self._manifest is not None
        return data_files.look(self._folder, self._manifest, self._known)

    def _take_look(self) -> None:
        if not self._is_looking:
            self._began, self._is_looking = time.monotonic(), True
        try:
            result = self._background.result(_PATIENCE)
        except OSError:
            result = {"": None}  # a folder that cannot be read: the comparison says which
        if result is None:
            self.is_clear = False
            return
        self._seen, self._is_looking = result, False
        if self._seen or self._is_owed:
            self._compare()
        else:
            self._rest((time.monotonic() - self._began) * _REST_OF_A_LOOK)

    def _rest(self, seconds: float) -> None:
        self.is_clear = True
        self._rested_at = time.monotonic() + max(seconds, _LEAST_REST)

    def _compare(self) -> None:
        """Start the thorough look, or start it again."""
        self.is_clear = False
        self._began, self._answer = time.monotonic(), None
        self._child = self._spawner.fork(f"data-{self._began}", "data", self._store.paths.data_log)
        sealed, paths = self._sealed, self._store.paths
        self._child.orders.send(
            {
                "manifest": str(paths.data_files) if sealed.facts.get("data_files") else None,
                "outside": str(paths.outside) if sealed.facts.get("outside") else None,
                "folder": sealed.folder,
                "fingerprint": sealed.facts["fingerprint"],
                "task": {
                    "code": str(paths.code),
                    "file": sealed.facts.get("task_file", ""),
                    "folder": sealed.folder,
                    "args": dict(self._roadmap.task.args),
                },
                "validation": self._roadmap.data.validation,
                "seed": self._roadmap.seed,
            }
        )

    def _hear(self, child: Child) -> str | None:
        for message in child.events.receive():
            self._answer = message
        if not child.is_over:
            self._say_that_it_takes_long()
            return None
        self._spawner.let_go(child)
        self._child = None
        if self._answer is not None:
            return self._judge(self._answer)
        self._deaths += child.is_own_end
        if self._deaths >= _MOST_DEATHS:
            return f"the data cannot be compared: the process that does it died {self._deaths} times"
        self._compare()
        return None

    def _say_that_it_takes_long(self) -> None:
        if not self._is_long and time.monotonic() - self._began > _LONG:
            self._is_long = True
            self._store.append(Noted("data", "the data is compared with its seal; new trials wait for that"))

    def _judge(self, answer: Mapping[str, Any]) -> str | None:
        if answer["others"]["count"]:
            return f"files that the task uses changed since the seal: {_listed(answer['others'])}; {_RIGHT}"
        if answer["changed"]["count"]:
            return f"data changed since the seal: {_listed(answer['changed'])}; {_RIGHT}"
        self._deaths = 0
        self._note(answer)
        for name, stamp in self._seen.items():
            if stamp is not None:
                self._known[name] = stamp
            elif name not in self._code and data_files.stamp(self._folder, name) is None:
                self._known.pop(name, None)  # gone, and not missed; what is back is looked at again
        is_again = not self._is_owed and self._compared.issuperset(self._seen)
        self._compared.update(self._seen)
        self._is_owed = False
        self._rest((time.monotonic() - self._began) * _REST_OF_A_COMPARISON if is_again else 0.0)
        return None

    def _note(self, answer: Mapping[str, Any]) -> None:
        """Said once in a run."""
        method = self._sealed.facts["fingerprint"]["method"]
        same = _AS_SEALED.get(method, _AS_SEALED["content"])
        for name, words in (
            ("same", f"its time changed, {same}"),
            ("beside", "it changed, the samples did not"),
        ):
            text = f"{_listed(answer[name])}: {words}"
            if answer[name]["count"] and text not in self._store.state.notes:
                self._store.append(Noted("data", text))


def _listed(found: Mapping[str, Any]) -> str:
    """`a, b, c and 7 more`."""
    shown = found["first"][:_MOST_NAMED]
    more = found["count"] - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
