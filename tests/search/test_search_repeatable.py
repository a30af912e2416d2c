"""Names that cannot be rebuilt exactly are refused, with the reason."""

import json
import os
import subprocess
import sys

import nevergrad as ng
import pytest

from staycourse.search.repeatable import check_repeatable
from staycourse.search.request import Search


@pytest.fixture
def register():
    names = []

    def add(name, ask):
        class Made(ng.optimizers.base.Optimizer):
            def _internal_ask_candidate(self):
                return ask(self)

        ng.optimizers.registry.register_name(name, Made)
        names.append(name)

    yield add
    for name in names:
        ng.optimizers.registry.unregister(name)


@pytest.mark.parametrize("optimizer", ["bayes", "random", "quasi-random", "NGOpt", "LHSSearch"])
def test_repeatable_optimizers_are_accepted(mixed, optimizer):
    assert check_repeatable(optimizer, mixed, "max", 6, 1, 7) is None
    assert check_repeatable(optimizer, mixed, "min", 4, 2, 7) is None


def test_small_spaces_are_no_reason_to_refuse(six):
    for optimizer in ("OnePlusOne", "LHSSearch", "Cobyla"):
        assert check_repeatable(optimizer, six, "min", 10, 1, 7) is None


def test_an_optimizer_with_randomness_of_its_own_is_refused(mixed, register):
    def ask(self):
        data = [byte / 128.0 - 1.0 for byte in os.urandom(self.dimension)]
        return self.parametrization.spawn_child().set_standardized_data(data)

    register("Unseeded", ask)
    reason = check_repeatable("Unseeded", mixed, "min", 10, 1, 7)
    assert reason is not None
    assert "'Unseeded' proposes something else when it is rebuilt (proposal 1)" in reason


def test_one_of_nevergrads_own_is_refused(mixed):
    reason = check_repeatable("CmaFmin2", mixed, "min", 24, 1, 7)
    assert reason is not None
    assert "could not be resumed exactly" in reason


def test_an_optimizer_that_raises_is_refused(mixed, register):
    def ask(self):
        raise KeyError("nothing\nleft")

    register("Raising", ask)
    reason = check_repeatable("Raising", mixed, "min", 10, 1, 7)
    assert reason == "'Raising' failed at proposal 1: KeyError: 'nothing\\nleft'"


def test_a_missing_package_is_named(mixed, register):
    def ask(self):
        import a_package_that_nobody_has  # noqa: F401

    register("Needy", ask)
    reason = check_repeatable("Needy", mixed, "min", 10, 1, 7)
    assert reason == "'Needy' needs a package that is not installed (a_package_that_nobody_has)"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of Nevergrad's destructor
def test_one_at_a_time_is_refused_for_several(mixed):
    reason = check_repeatable("Cobyla", mixed, "min", 10, 3, 7)
    assert reason == "'Cobyla' proposes one set-up at a time: set parallel = 1"


def check_as_command(body):
    return subprocess.run(
        [sys.executable, "-m", "staycourse.search.repeatable"],
        input=body,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=60,
        check=True,
    ).stdout


def test_the_command_answers_in_json_alone(mixed):
    body = Search(mixed, "Cobyla", 7, "min", 8).to_json()
    assert json.loads(check_as_command(json.dumps(body).encode())) == {"reason": None}
    wrong = json.dumps(body | {"optimizer": "byes"}).encode()
    assert "there is no optimizer 'byes'" in json.loads(check_as_command(wrong))["reason"]
