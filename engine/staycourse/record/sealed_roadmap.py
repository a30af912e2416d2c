"""The roadmap of a run as it was sealed: its own copy, and what it took up of an earlier run."""

from __future__ import annotations

import json
import sqlite3

from staycourse.core.events import RunSealed, from_body
from staycourse.core.roadmap import Roadmap, parse
from staycourse.record import ledger
from staycourse.record.damage import DamagedRun
from staycourse.record.lineage import lineage_of
from staycourse.record.paths import RunPaths


def sealed_roadmap(paths: RunPaths, sealed: RunSealed | None, text: str | None = None) -> Roadmap:
    """The run's roadmap; `text` is its copy where that has been read already. The earlier run is not looked
    at: what was sealed of it stands in the ledger. Raises RoadmapError, DamagedRun or OSError."""
    text = sealed_text(paths) if text is None else text
    lineage = lineage_of(sealed) if sealed else None
    return parse(text, str(paths.roadmap), lineage.inherited if lineage else None)


def followed_roadmap(paths: RunPaths, db: sqlite3.Connection) -> Roadmap:
    """The run's roadmap as it is followed (Roadmap.followed). Raises RoadmapError, DamagedRun,
    OSError or sqlite3.Error."""
    text = sealed_text(paths)
    first = next(ledger.checked(db, paths.name), None)
    event = from_body(first.kind, json.loads(first.body)) if first else None
    sealed = event if isinstance(event, RunSealed) else None
    return sealed_roadmap(paths, sealed, text).followed(sealed)


def sealed_text(paths: RunPaths) -> str:
    """The run's copy of its roadmap. Raises DamagedRun if it is missing beside a database, or is no text;
    OSError if it cannot be read."""
    try:
        return paths.roadmap.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DamagedRun(f"{paths.roadmap} is damaged: not UTF-8 text (byte {error.start})") from None
    except FileNotFoundError:
        if not paths.database.exists():
            raise
        raise DamagedRun(f"{paths.roadmap} is missing: put it back as it was sealed") from None
