import json
import random
from dataclasses import replace

import pytest
from tests.support.random_events import one_of_each, random_event

from staycourse.core import events as ev
from staycourse.core.canonical import canonical_json, plain
from staycourse.core.condensed import condensed_events
from staycourse.core.events import TrialEnded, to_body

ODD = 'said ],"detail": and ,"files":{ and },"metrics_digest": \\ "curve":[ \n 日本'


def through_the_ledger(events):
    return condensed_events([(event.KIND, canonical_json(to_body(event))) for event in events])


def as_read(event):
    return ev.from_body(event.KIND, plain(to_body(event)))


def ended(**changes):
    curve = [[1, 2.0], [2, "nan"], [3, 0.5]]
    files = {"last.pt": ["0" * 64, 17], ODD: ["1" * 64, 18]}
    return replace(
        TrialEnded("t1", "completed", "epochs", "all done", 3, 30, curve, 4.0, 3, 0.5, "ab", files), **changes
    )


def test_an_end_is_kept_without_its_curve_and_its_files():
    event = ended()
    assert through_the_ledger([event]) == [as_read(replace(event, curve=[], files={}))]


@pytest.mark.parametrize("best", [None, "inf", "nan"])
def test_the_curve_stays_where_no_best_value_stands_for_it(best):
    event = ended(best_value=best)
    assert through_the_ledger([event])[0].curve == event.curve


@pytest.mark.parametrize("field", ["trial", "outcome", "rule", "detail", "metrics_digest"])
def test_no_text_is_taken_for_a_key(field):
    event = ended(**{field: ODD})
    assert through_the_ledger([event]) == [as_read(replace(event, curve=[], files={}))]


@pytest.mark.parametrize("seed", range(20))
def test_every_other_event_is_kept_as_it_is(seed):
    rng = random.Random(seed)
    events = [*one_of_each(rng), *(random_event(rng) for _ in range(50))]
    for event, found in zip(events, through_the_ledger(events), strict=True):
        known = as_read(event)
        assert found == (replace(known, curve=[], files={}) if isinstance(event, TrialEnded) else known)


def test_kinds_of_a_later_version_and_bodies_of_an_earlier_one():
    body = to_body(ended())
    for name in ("files", "metrics_digest", "replayed", "differing"):
        del body[name]
    found = condensed_events([("trial paused", "{}"), (TrialEnded.KIND, canonical_json(body))])
    assert found == [None, ended(curve=[], files={}, metrics_digest="")]


def test_a_body_that_is_no_json_raises():
    with pytest.raises(json.JSONDecodeError):
        condensed_events([("noted", '{"about":"x","text":"y"}'), ("noted", '{"about":')])
    with pytest.raises(json.JSONDecodeError):
        condensed_events([("noted", '{"about":"x"'), ("noted", '"text":"y"}')])
