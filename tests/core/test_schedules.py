import json

import pytest

from staycourse.core.schedules import Schedule, from_json, to_json

STEPS = {"lr": {60: 0.5, 40: 0.1, 90: 2.0}, "batch_size": {40: 2.0, 50: 1.5}}
DECAY = Schedule(STEPS)


@pytest.mark.parametrize(
    ("epochs_done", "expected"), [(0, 1), (39, 1), (40, 0.1), (59, 0.1), (60, 0.05), (90, 0.1), (500, 0.1)]
)
def test_at_epoch_n_once_n_epochs_are_done_the_value_is_multiplied(epochs_done, expected):
    assert DECAY.factor("lr", epochs_done) == pytest.approx(expected)


def test_what_a_schedule_does_not_name_stays():
    assert DECAY.factor("momentum", 100) == 1
    assert Schedule().factor("lr", 100) == 1


def test_a_batch_size_is_whole_and_at_least_one():
    assert [DECAY.batch_size(8, done) for done in (0, 40, 50)] == [8, 16, 24]
    assert Schedule({"batch_size": {1: 0.001}}).batch_size(8, 1) == 1
    assert Schedule({"batch_size": {1: 0.7}}).batch_size(9, 1) == 6


def test_milestones_are_in_order_and_named_once():
    assert DECAY.milestones() == [40, 50, 60, 90]
    assert Schedule().milestones() == []


def test_equal_to_what_torch_does_with_the_same_milestones():
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.3)
    theirs = torch.optim.lr_scheduler.MultiStepLR(optimizer, [4, 6, 9], gamma=0.5)
    ours = Schedule({"lr": {4: 0.5, 6: 0.5, 9: 0.5}})
    for done in range(12):
        assert 0.3 * ours.factor("lr", done) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()


def test_a_warm_up_rises_evenly_to_the_value_and_stays_there():
    warm = Schedule(warmup=2.5)
    assert [warm.warmth(done) for done in (0.5, 1, 2.25, 2.5, 3, 90)] == [0.2, 0.4, 0.9, 1, 1, 1]
    assert [warm.is_warming(done) for done in (0, 2, 3)] == [True, True, False]
    assert Schedule().warmth(0.001) == 1


def test_the_warm_ups_end_and_torchs_milestones_behind_it_are_milestones():
    assert Schedule({"lr": {9: 0.5}}, warmup=2.5).milestones() == [3, 9]
    assert Schedule(warmup=5, torch="MultiStepLR", settings={"milestones": [4, 6]}).milestones() == [5, 9, 11]


@pytest.mark.parametrize(
    ("torch", "settings", "is_laid_out"),
    [
        ("CosineAnnealingLR", {"eta_min": 1e-6}, True),
        ("CosineAnnealingLR", {"T_max": 9}, False),
        ("OneCycleLR", {}, True),
        ("StepLR", {"step_size": 9}, False),
        (None, {}, False),
    ],
)
def test_some_of_torchs_take_their_length_from_the_horizon(torch, settings, is_laid_out):
    assert Schedule(torch=torch, settings=settings).is_laid_out is is_laid_out


def test_as_json_they_read_as_in_the_roadmap_and_come_back():
    schedules = {
        "constant": Schedule(),
        "decay": DECAY,
        "warm": Schedule({"batch_size": {40: 2.0}}, 2.5, "CosineAnnealingLR", {"eta_min": 1e-6}),
    }
    body = json.loads(json.dumps(to_json(schedules)))
    assert from_json(body) == schedules
    assert body["warm"] == {
        "batch_size": {"40": 2.0}, "warmup": 2.5, "torch": "CosineAnnealingLR", "eta_min": 1e-6
    }  # fmt: skip


def test_what_earlier_versions_recorded_still_reads():
    assert from_json({"decay": {"lr": {"40": 0.5}}, "constant": {}}) == {
        "decay": Schedule({"lr": {40: 0.5}}),
        "constant": Schedule(),
    }
