"""The roadmap of a run as it was sealed: its own copy, and what it took up of an earlier run."""

from __future__ import annotations

from staycourse.core.events import RunSealed
from staycourse.core.roadmap import Roadmap, parse
from staycourse.record.lineage import lineage_of
from staycourse.record.paths import RunPaths


def sealed_roadmap(paths: RunPaths, sealed: RunSealed | None, text: str | None = None) -> Roadmap:
    """The run's roadmap; `text` is its copy where that has been read already. The earlier run is not looked
    at: what was sealed of it stands in the ledger. Raises RoadmapError or OSError."""
    text = paths.roadmap.read_text(encoding="utf-8") if text is None else text
    lineage = lineage_of(sealed) if sealed else None
    return parse(text, str(paths.roadmap), lineage.inherited if lineage else None)
