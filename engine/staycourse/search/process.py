"""The search's own process: requests come in as lines of JSON, set-ups go out the same way."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import IO, Any

_ORDER = 'an order is {"id": n, "propose": {...}} or {"id": n, "estimate": {...}}'
# One thread, also in libraries that decide while they are imported.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(orders_fd: int, events_fd: int) -> None:
    """Answers `{"id": n, "propose": {…}}` and `{"id": n, "estimate": {…}}` until end of file, then returns;
    owns both descriptors.

    An answer is `{"id": n, "setup": {…}}` or `{"id": n, "estimate": {…}}`, or with the error's class name
    `{"id": n, "error": "…", "kind": "…"}`, whatever the request was. Nevergrad is imported in here, at the
    first request.
    """
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    with os.fdopen(orders_fd, "rb") as orders, os.fdopen(events_fd, "wb") as events:
        try:
            for answer in _answers(orders):
                events.write(json.dumps(answer, allow_nan=False).encode() + b"\n")
                events.flush()
        except BrokenPipeError:
            return  # nobody is left to hear it


def _answers(orders: IO[bytes]) -> Iterator[dict[str, Any]]:
    from staycourse.search.session import Session

    session = Session()
    try:
        for line in orders:
            yield _answer(session, line)
    finally:
        session.close()


def _answer(session: Any, line: bytes) -> dict[str, Any]:
    from staycourse.search.request import Request, RequestError

    number: Any = None
    try:
        order = json.loads(line)
        number = order.get("id") if isinstance(order, dict) else None
        if not isinstance(order, dict):
            raise RequestError(_ORDER)
        if isinstance(order.get("estimate"), dict):
            return {"id": number, "estimate": _estimate(order["estimate"])}
        if not isinstance(order.get("propose"), dict):
            raise RequestError(_ORDER)
        return {"id": number, "setup": session.propose(Request.from_json(order["propose"]))}
    except (Exception, SystemExit) as error:
        return {"id": number, "error": str(error) or repr(error), "kind": type(error).__name__}


def _estimate(body: dict[str, Any]) -> dict[str, Any]:
    from staycourse.search.region import Question, estimate

    return estimate(Question.from_json(body))
