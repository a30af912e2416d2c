from tests.support.roadmaps import CONFIRM, FINAL, GRID, NARROW, PROBE, small
from tests.support.simulate import campaign, smooth_loss

from staycourse.core.narrative import handed_on
from staycourse.core.roadmap import parse
from staycourse.core.views import phase_words


def test_what_each_phase_handed_on_in_words():
    def loss(setup, repetition, epoch):
        return smooth_loss(setup, repetition, epoch) + (5.0 if setup["optimizer"] == "sgd" else 0.0)

    probe = PROBE.replace("trials = 6", "trials = 20") + 'eliminate = ["optimizer"]\n'
    roadmap = parse(small(probe, NARROW.replace("= 8", "= 30"), GRID, CONFIRM, FINAL))
    played = list(campaign(roadmap, loss=loss))
    handoffs = [one.handoff for one in played]
    probed, narrowed, gridded, confirmed, final = (
        phase_words(roadmap, handoffs, index) for index in range(len(handoffs))
    )

    assert probed[0] == "optimizer without sgd: adam left"
    assert probed[1].startswith("loss floor: val_loss ")
    assert probed[2].startswith("phases of training by epoch: drop 1–")
    assert not any(line.startswith("best ") for line in probed)
    assert narrowed[0].startswith("lr 0.0001..0.1 became ")
    assert narrowed[-1].startswith("best val_loss ")
    assert narrowed[-1].endswith(", then 2 more")
    # A phase that changes no range says nothing of ranges.
    assert [line.partition(" ")[0] for line in gridded] == ["best"]
    (best,) = confirmed
    assert f"at epoch {handoffs[3].best_epoch}: " in best
    # final passes the ranking on, and has weights of its own to tell of.
    (weights,) = final
    assert weights.startswith(f"weights of {played[-1].trials[0].id}: {handoffs[3].best_epoch} epochs on ")


def test_nothing_changed_is_nothing_said():
    roadmap = parse(small(PROBE))
    (probe,) = campaign(roadmap)
    lines = handed_on(roadmap.space, probe.handoff, "val_loss")
    assert [line.partition(":")[0] for line in lines] == ["loss floor", "phases of training by epoch"]
