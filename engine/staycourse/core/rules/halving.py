"""Successive halving: all begin, and at each rung only the best go on."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Halving:
    """At the first rung all trials have `first` epochs behind them, at the next ones `factor` times as many
    as at the one before; the best 1/`factor` of a rung go on.

    All trials of a rung end before any goes on, so that it does not matter who was faster. (Jamieson,
    Talwalkar: Non-stochastic Best Arm Identification and Hyperparameter Optimization, AISTATS 2016.)
    """

    factor: int
    first: int

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """The epochs of the rungs; the last is `epochs`, and at least `factor` times the one before."""
        rungs = []
        rung = self.first
        while rung * self.factor <= epochs:
            rungs.append(rung)
            rung *= self.factor
        return (*rungs, epochs)

    def go_on(self, count: int, least: int) -> int:
        """How many of `count` trials go on: a share of 1/`factor`, rounded up, and `least` at least."""
        return min(count, max(least, math.ceil(count / self.factor)))

    def describe(self) -> str:
        """`the best 1/3 go on at epoch 5, 15, ...`."""
        return f"the best 1/{self.factor} go on at epoch {self.first}, {self.first * self.factor}, …"
