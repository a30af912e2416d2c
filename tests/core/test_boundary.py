"""A best region that touches a bound of the space."""

import pytest

from staycourse.core.boundary import beyond, grown, touched
from staycourse.core.space import Bounds, Choice, Interval, Space

FAR = {"share": 0.02, "gain": -0.1, "sd": 0.01}


def estimate(*rows, noise=0.01):
    return {"noise": noise, "ranges": list(rows)}


def row(name="lr", low=FAR, high=FAR, on=None, option=None):
    return {"name": name, "on": on, "option": option, "edges": {"low": low, "high": high}}


@pytest.mark.parametrize(
    ("share", "gain", "sd", "is_touched"),
    [
        (0.8, 0.1, 0.03, True),
        (0.5, 0.1, 0.03, True),
        (0.49, 0.1, 0.03, False),  # most optima lie elsewhere
        (0.8, 0.009, 0.003, False),  # no more than the noise
        (0.8, 0.1, 0.2, False),  # the model is undecided
    ],
)
def test_touching_takes_most_optima_and_a_gain_beyond_noise_and_doubt(share, gain, sd, is_touched):
    space = Space((Interval("lr", 1e-4, 1e-1, log=True),))
    edge = {"share": share, "gain": gain, "sd": sd}
    touches = touched(space, estimate(row(high=edge)))
    assert [(t.name, t.side, t.bound) for t in touches] == ([("lr", "high", 1e-1)] if is_touched else [])


@pytest.mark.parametrize(
    ("interval", "side", "to"),
    [
        (Interval("lr", 1e-5, 1e-2, log=True), "low", 1e-6),  # a third of three decades
        (Interval("lr", 1e-6, 1e-1, log=True), "low", 1e-7),  # at most tenfold
        (Interval("wd", 1.0, 1e3, log=True), "high", 1e4),
        (Interval("lr", 1e-5, 1e-2, log=True), "high", 0.1),
        (Interval("lr", 1e-2, 0.5, log=True), "high", 0.75),  # within 0..1: half the way to 1 at most
        (Interval("dropout", 0.0, 0.5), "high", 0.75),
        (Interval("dropout", 0.0, 0.5), "low", None),  # a natural bound
        (Interval("share", 0.0, 1.0), "high", None),
        (Interval("momentum", 0.8, 0.99), "high", 0.995),  # never 1
        (Interval("x", -4.0, 4.0), "low", -8.0),
        (Interval("batch_size", 8, 256, log=True, integer=True), "low", 4),  # half the way to 1
        (Interval("depth", 1, 6, integer=True), "low", None),
        (Interval("depth", 1, 6, integer=True), "high", 8),
    ],
)
def test_how_far_a_range_grows(interval, side, to):
    new = beyond(interval, side)
    assert new == (None if to is None else pytest.approx(to, rel=0.2))
    if new is not None:
        bound = interval.low if side == "low" else interval.high
        assert new < bound if side == "low" else new > bound
        assert not 0.0 <= interval.low <= interval.high < 1.0 or 0.0 < new < 1.0


def test_only_the_touched_bound_moves_and_only_under_its_option():
    by = (Bounds("o", "sgd", 1e-3, 0.5),)
    space = Space((Choice("o", ("adam", "sgd")), Interval("lr", 1e-5, 1e-2, log=True, by=by)))
    edge = {"share": 0.9, "gain": 0.2, "sd": 0.05}
    touches = touched(space, estimate(row(), row(high=edge, on="o", option="sgd")))
    larger = grown(space, touches)
    assert larger.get("lr").given({"o": "adam"}) == space.get("lr").given({"o": "adam"})
    assert larger.get("lr").given({"o": "sgd"}).low == 1e-3
    assert larger.get("lr").given({"o": "sgd"}).high > 0.5
    assert (
        touches[0].words == "lr with o sgd touches its upper bound 0.5 (90 % of the model's optima lie there)"
    )


def test_a_bound_that_cannot_move_grows_nothing_and_says_so():
    space = Space((Interval("dropout", 0.0, 0.5),))
    touches = touched(space, estimate(row("dropout", low={"share": 0.9, "gain": 0.2, "sd": 0.05})))
    assert grown(space, touches) is None
    assert touches[0].growth.endswith("and cannot grow there")
