import pytest

from staycourse.core.schedules import batch_size_at, factor, milestones

DECAY = {"lr": {60: 0.5, 40: 0.1, 90: 2.0}, "batch_size": {40: 2.0, 50: 1.5}}


@pytest.mark.parametrize(
    ("epochs_done", "expected"), [(0, 1), (39, 1), (40, 0.1), (59, 0.1), (60, 0.05), (90, 0.1), (500, 0.1)]
)
def test_at_epoch_n_once_n_epochs_are_done_the_value_is_multiplied(epochs_done, expected):
    assert factor(DECAY, "lr", epochs_done) == pytest.approx(expected)


def test_what_a_schedule_does_not_name_stays():
    assert factor(DECAY, "momentum", 100) == 1
    assert factor({}, "lr", 100) == 1


def test_a_batch_size_is_whole_and_at_least_one():
    assert [batch_size_at(DECAY, 8, done) for done in (0, 40, 50)] == [8, 16, 24]
    assert batch_size_at({"batch_size": {1: 0.001}}, 8, 1) == 1
    assert batch_size_at({"batch_size": {1: 0.7}}, 9, 1) == 6


def test_milestones_are_in_order_and_named_once():
    assert milestones(DECAY) == [40, 50, 60, 90]
    assert milestones({}) == []


def test_equal_to_what_torch_does_with_the_same_milestones():
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.3)
    theirs = torch.optim.lr_scheduler.MultiStepLR(optimizer, [4, 6, 9], gamma=0.5)
    ours = {"lr": {4: 0.5, 6: 0.5, 9: 0.5}}
    for done in range(12):
        assert 0.3 * factor(ours, "lr", done) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
