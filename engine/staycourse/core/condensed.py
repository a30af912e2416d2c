"""Events as a view keeps them: thousands of trials would be mostly curves and hashes otherwise."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic_core import from_json

from staycourse.core.events import Event, TrialEnded, from_body

# Keys are sorted in a ledger's body, and a quotation mark within a text has a backslash before it: each of
# these stands where its key stands and nowhere else.
_CURVE, _AFTER_CURVE = '"curve":[', '],"detail":'
_FILES, _AFTER_FILES = ',"files":{', '},"metrics_digest":'


def condensed(kind: str, body: str) -> str:
    """The body of an event, that of a trial's end without its curve and its files' hashes.

    The curve stays where there is no finite best value to stand for it. Total: a text that is no body of
    that kind comes back as it is.
    """
    if kind != TrialEnded.KIND:
        return body
    begins = body.find(_CURVE)
    ends = body.find(_AFTER_CURVE, begins)
    if begins < 0 or ends < 0 or body.endswith(("null,", '",'), 0, begins):
        return body
    files = body.find(_FILES, ends)
    hashes = body.find(_AFTER_FILES, files)
    begins += len(_CURVE)
    if files < 0 or hashes < 0:
        return body[:begins] + body[ends:]
    return body[:begins] + body[ends : files + len(_FILES)] + body[hashes:]


def condensed_events(entries: Sequence[tuple[str, str]]) -> list[Event | None]:
    """The events of (kind, body) pairs, condensed; None for a kind that this version does not know.
    Raises ValueError or TypeError for a body that is no JSON object of its kind."""
    texts = [condensed(kind, body) for kind, body in entries]
    bodies = _together(texts)
    return [from_body(kind, body) for (kind, _), body in zip(entries, bodies, strict=True)]


def _together(texts: list[str]) -> list[dict[str, object]]:
    """One call of a quick parser for many short texts. What it does not take is left to Python's own, which
    the ledger is written with."""
    try:
        bodies: list[dict[str, object]] = from_json(f"[{','.join(texts)}]", cache_strings="keys")
    except ValueError:
        bodies = []
    return bodies if len(bodies) == len(texts) else [json.loads(text) for text in texts]
