import math

import pytest

from staycourse.core.rules import Progress, first_to_fire
from staycourse.core.rules.divergence import first_non_finite
from staycourse.core.rules.halving import Halving
from staycourse.core.rules.limits import EpochLimit, TimeLimit
from staycourse.core.rules.median import MedianStopping, medians
from staycourse.core.rules.patience import Patience
from staycourse.core.rules.smoothed_patience import SmoothedPatience


def fires_at(rule, values, every=1):
    """The first epoch at whose end the rule fires, asked as a trial would ask: at the end of every epoch."""
    curve = []
    for epoch, value in enumerate(values, start=1):
        if epoch % every == 0:
            curve.append((epoch, value))
        if rule.verdict(Progress(epoch, tuple(curve), 0.0)):
            return epoch
    return None


def test_patience_counts_epochs_since_the_last_improvement():
    assert fires_at(Patience(3), [5, 4, 3, 3, 3, 3, 1]) == 6
    assert fires_at(Patience(3), [5, 4, 3, 3, 3, 2, 2, 2, 2]) == 9
    assert fires_at(Patience(1), [5, 5]) == 2
    assert fires_at(Patience(3), [5, 4, 3, 2, 1]) is None


def test_an_improvement_has_to_be_more_than_min_delta():
    slow = [1 - 0.01 * epoch for epoch in range(10)]
    assert fires_at(Patience(3), slow) is None
    assert fires_at(Patience(6, min_delta=0.05), slow) is None  # adds up to more within the patience
    assert fires_at(Patience(3, min_delta=0.5), slow) == 4
    assert fires_at(Patience(2, min_delta=0.0), [1, 1, 1]) == 3


def test_small_steps_add_up_against_the_last_improvement():
    # 0.6 after 1.0 is an improvement by 0.4 in all, though no single step is one.
    assert fires_at(Patience(3, min_delta=0.3), [1.0, 0.8, 0.6, 0.6, 0.6, 0.6]) == 6


def test_never_before_the_epoch_that_from_names():
    flat = [1.0] * 100
    assert fires_at(Patience(15, start=91), flat) == 91
    assert fires_at(Patience(15, start=3), flat) == 16
    assert fires_at(Patience(2, start=5), [3, 3, 3, 3, 2, 2, 2]) == 7


def test_a_higher_metric_is_better_where_the_goal_is_max():
    assert fires_at(Patience(2, goal="max"), [1, 2, 3, 2, 2]) == 5
    assert fires_at(Patience(2, goal="max"), [1, 2, 3, 4, 5]) is None


def test_no_number_is_no_improvement_and_any_number_is_one_on_no_number():
    nan = math.nan
    assert fires_at(Patience(2), [3, nan, nan]) == 3
    assert fires_at(Patience(2), [nan, nan, 3, 3, 3]) == 5
    assert fires_at(Patience(3), [nan, nan, 3, 2, 2, 2, 2]) == 7
    assert fires_at(Patience(2), [math.inf, 3, 2, 1]) is None


def test_an_epoch_that_was_not_validated_is_no_evidence():
    # Validated every 5 epochs, and better every time.
    assert fires_at(Patience(3), [1 - epoch / 100 for epoch in range(40)], every=5) is None
    assert fires_at(Patience(3), [1.0] * 40, every=5) == 10


def test_without_a_curve_it_says_nothing():
    assert Patience(1).verdict(Progress(50, (), 0.0)) is None
    assert Patience(3).nearness(Progress(50, (), 0.0)) == "patience 0/3"


def test_patience_in_words():
    ending = Patience(2).verdict(Progress(3, ((1, 0.5), (2, 0.6), (3, 0.7)), 0.0))
    assert (ending.rule, ending.detail) == ("patience", "no better val_loss than 0.5 (epoch 1) for 2 epochs")
    said = Patience(15, start=91, min_delta=1e-4, metric="val_acc").describe()
    assert said == "no better val_acc for 15 epochs, by more than 0.0001, not before epoch 91"
    assert Patience(5).nearness(Progress(4, ((1, 1.0), (4, 2.0)), 0.0)) == "patience 3/5"


def test_limits_of_epochs_and_hours():
    assert EpochLimit(3).verdict(Progress(2, (), 0.0)) is None
    assert EpochLimit(3).verdict(Progress(3, (), 0.0)).detail == "all 3 epochs done"
    assert TimeLimit(0.5).verdict(Progress(1, (), 1799.9)) is None
    assert TimeLimit(0.5).verdict(Progress(1, (), 1800.0)).rule == "trial_hours"
    assert (EpochLimit(3).nearness(Progress(2, (), 0)), TimeLimit(12).nearness(Progress(2, (), 5400))) == (
        "epoch 2/3",
        "1.5/12 h",
    )


def test_the_first_declared_rule_that_fires_ends_the_trial():
    rules = [EpochLimit(3), Patience(2), TimeLimit(1)]
    flat = ((1, 1.0), (2, 1.0), (3, 1.0))
    assert first_to_fire(rules, Progress(3, flat, 9999)).rule == "epochs"
    assert first_to_fire(rules[1:], Progress(3, flat, 9999)).rule == "patience"
    assert first_to_fire(rules, Progress(2, flat[:2], 0)) is None


@pytest.mark.parametrize(
    ("losses", "index"), [([1, 2], None), ([], None), ([1, math.nan], 1), ([math.inf], 0)]
)
def test_divergence_names_the_first_loss_that_is_no_number(losses, index):
    assert first_non_finite(losses) == index


def test_smoothed_patience_is_not_held_up_by_one_lucky_value_nor_ended_by_jitter():
    lucky = [5, 4, 1, 4, 4, 4, 4, 4, 4]
    assert fires_at(SmoothedPatience(Patience(3), 3), lucky) == 7
    assert fires_at(Patience(6), lucky) == 9
    jitter = [10 - 0.3 * epoch + (1.0 if epoch % 3 else 0.0) for epoch in range(1, 25)]
    assert fires_at(Patience(2), jitter) is not None
    assert fires_at(SmoothedPatience(Patience(2), 3), jitter) is None


def test_smoothed_patience_over_one_value_is_patience():
    values = [5, 3, 4, 2, 2, 3, 2, 2, 1, 2, 2, 2]
    for epochs in (1, 2, 3, 4):
        assert fires_at(SmoothedPatience(Patience(epochs), 1), values) == fires_at(Patience(epochs), values)
    said = SmoothedPatience(Patience(2), 3)
    assert said.describe() == "no better val_loss for 2 epochs, by the mean of the last 3 values"
    assert said.nearness(Progress(4, ((1, 1.0), (4, 2.0)), 0.0)) == "patience 2/2"


def test_smoothed_patience_stands_values_that_are_no_numbers():
    nan = math.nan
    assert fires_at(SmoothedPatience(Patience(3), 2), [nan, 4, 3, 2, 1, 0]) is None
    assert fires_at(SmoothedPatience(Patience(2), 2), [3, nan, nan, nan]) == 3


def test_the_median_is_of_running_means_and_counts_curves_that_have_ended():
    curves = (((1, 4.0), (2, 2.0)), ((1, 6.0), (2, 6.0), (3, 3.0)), ((2, 9.0), (3, 1.0)))
    assert medians(curves) == ((1, 5.0), (2, 6.0), (3, 5.0))
    assert medians(()) == ()


def test_a_trial_worse_than_the_median_ends_and_not_before_its_first_epoch():
    reference = ((1, 5.0), (2, 4.0), (4, 3.0))
    assert fires_at(MedianStopping(reference), [4.9, 3.9, 3.9, 3.1]) == 4
    assert fires_at(MedianStopping(reference), [6.0]) == 1
    assert fires_at(MedianStopping(reference, start=3), [6.0, 6.0, 6.0]) == 3
    assert fires_at(MedianStopping(reference), [3.0, 9.0, 9.0, 9.0, 9.0]) is None
    assert fires_at(MedianStopping(reference, goal="max"), [5.0, 5.0, 5.0, 2.0]) is None
    assert fires_at(MedianStopping(reference, goal="max"), [4.9]) == 1
    assert fires_at(MedianStopping(((3, 1.0),)), [9.0, 9.0]) is None
    ending = MedianStopping(reference).verdict(Progress(2, ((1, 7.0), (2, 6.0)), 0.0))
    assert (ending.rule, ending.detail) == (
        "median",
        "best val_loss 6 after 2 epochs; others had 4 in the median",
    )
    assert MedianStopping(reference).nearness(Progress(1, ((1, 1.0),), 0.0)) == "median ahead"


def test_halving_has_rungs_up_to_the_end_and_leaves_enough_behind():
    assert Halving(3, 5).rungs(60) == (5, 15, 60)
    assert Halving(3, 5).rungs(45) == (5, 15, 45)
    assert Halving(2, 1).rungs(2) == (1, 2)
    assert Halving(2, 8).rungs(8) == (8,)
    assert [Halving(3, 5).go_on(count, 3) for count in (27, 10, 4, 2)] == [9, 4, 3, 2]
