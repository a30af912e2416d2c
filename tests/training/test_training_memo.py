"""One forward pass for loss and metrics together, and never a stale one."""

from __future__ import annotations

from pathlib import Path

import torch
from tests.support.trials import BLOBS, make_job, train, write_task
from torch import nn

from staycourse.training.memo import remembering


class Counting(nn.Module):
    def __init__(self, pair: bool = False) -> None:
        super().__init__()
        self.calls, self.pair = 0, pair

    def forward(self, x: torch.Tensor, factor: torch.Tensor | float = 2.0) -> object:
        self.calls += 1
        return (x * factor, x) if self.pair else x * factor


def test_the_same_tensors_are_passed_once() -> None:
    for model in (Counting(), Counting(pair=True)):
        x = torch.ones(3)
        with remembering(model):
            assert model(x) is model(x)
            assert model.calls == 1
            model(torch.ones(3))
            model(x)
            assert model.calls == 3
        model(x)
        model(x)
        assert model.calls == 5, "and only while it lasts"
        assert "forward" not in vars(model)


def test_what_was_changed_in_place_is_computed_again() -> None:
    model, x = Counting(), torch.ones(3)
    with remembering(model) as memo:
        x += 1
        first = model(x)
        x += 1
        assert torch.equal(model(x), torch.full((3,), 6.0))
        output = model(x)
        output.zero_()
        assert torch.equal(model(x), torch.full((3,), 6.0))
        assert model.calls == 3
        memo.forget()
        model(x)
        assert model.calls == 4
    assert first is not output


def test_arguments_that_are_no_tensors_are_not_remembered() -> None:
    model, x = Counting(), torch.ones(3)
    with remembering(model):
        assert torch.equal(model(x, 3.0), torch.full((3,), 3.0))
        assert torch.equal(model(x, 4.0), torch.full((3,), 4.0))
        model(x, factor=torch.tensor(2.0))
        assert torch.equal(model(x), torch.full((3,), 2.0))


def test_a_model_that_was_changed_is_passed_again() -> None:
    model, x = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)), torch.ones(1, 3)
    model.eval()
    with remembering(model), torch.no_grad():
        first = model(x)
        assert model(x) is first
        model[0].weight += 1
        assert torch.allclose(model(x), first + 3)
        model[1].train()
        assert model(x) is not model.eval()(x)
        model[1] = nn.Softmax(1)
        assert model(x).sum() == 1


def test_outputs_of_inference_mode_are_not_remembered() -> None:
    """Torch does not count how often they are changed."""
    model, x = Counting(), torch.ones(3)
    with remembering(model), torch.inference_mode():
        model(x).zero_()
        assert torch.equal(model(x), torch.full((3,), 2.0))


def test_hooks_are_called_each_time() -> None:
    model, x = nn.Sequential(nn.Linear(3, 2), nn.ReLU()), torch.ones(1, 3)
    seen: list[torch.Tensor] = []
    with remembering(model):
        model(x)
        hook = model[0].register_forward_hook(lambda module, given, output: seen.append(output))
        model(x)
        model(x)
        assert len(seen) == 2
        hook.remove()
        assert model(x) is model(x)


def test_a_validation_batch_takes_one_pass(tmp_path: Path) -> None:
    source = BLOBS.replace("    return nn.Sequential(", "    return Counted(")
    source += """
PASSES = []
class Counted(nn.Sequential):
    def forward(self, x):
        PASSES.append(self.training)
        return super().forward(x)
def evaluate(): return {"passes": PASSES.count(False)}
"""
    told = train(make_job(tmp_path / "t", write_task(tmp_path, source), epochs=2))
    assert told.curve("passes") == [3, 6]
