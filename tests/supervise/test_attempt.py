"""What a worker is told, and in which order: its job before all else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.support.trials import make_job, write_task

from staycourse.core import job as jobs
from staycourse.supervise.attempt import Attempt
from staycourse.supervise.channel import Inbox, Outbox
from staycourse.supervise.slots import Slot
from staycourse.supervise.spawner import Child


@pytest.mark.parametrize("early", [True, False], ids=["loaded-before-the-job", "loaded-after-it"])
def test_data_in_memory_is_never_taken_for_the_job(tmp_path: Path, early: bool) -> None:
    events, words = os.pipe()
    orders, told = os.pipe()
    attempt = Attempt("t1", 1, Slot("cpu"), Child("t1-1", Outbox(told), Inbox(events)))
    if early:
        attempt.share({"tables": []})
    job = make_job(tmp_path / "t1", write_task(tmp_path))
    attempt.give(job)
    if not early:
        attempt.share({"tables": []})
    first, *more = [json.loads(line) for line in os.read(orders, 1 << 20).splitlines()]
    assert jobs.from_json(first) == job
    assert [message["order"] for message in more] == ([] if early else ["resident"])
    attempt.child.orders.close()
    attempt.child.events.close()
    for descriptor in (orders, words):
        os.close(descriptor)
