"""The covariance of two set-ups: what each hyperparameter does by itself, and what they do together."""

from __future__ import annotations

import math
from typing import Any

import torch
from gpytorch.constraints import GreaterThan, Interval
from gpytorch.kernels import Kernel
from gpytorch.priors import LogNormalPrior, NormalPrior
from torch import Tensor


class MixedMatern(Kernel):  # type: ignore[misc]  # gpytorch has no types
    """Matérn 5/2 over rows of positions (0 to 1) and of options' numbers, in two parts.

    One part is the mean over the columns of a kernel of that column alone, the other a kernel of all columns
    together; `alone` is the first one's share. Effects of single hyperparameters are learned from few trials
    (Duvenaud, Nickisch, Rasmussen: Additive Gaussian Processes, NeurIPS 2011), the joint part holds what they
    do to each other. Within a kernel the squared distance is the sum of (difference / lengthscale)^2, where
    two different options differ by 1. One lengthscale a column, with the prior that grows with the number of
    columns (Hvarfner et al.: Vanilla Bayesian Optimization Performs Great in High Dimensions, ICML 2024).
    """

    has_lengthscale = True

    def __init__(self, is_option: Tensor) -> None:
        count = len(is_option)
        prior = LogNormalPrior(math.sqrt(2) + 0.5 * math.log(count), math.sqrt(3))
        super().__init__(
            ard_num_dims=count,
            lengthscale_prior=prior,
            lengthscale_constraint=GreaterThan(0.025, transform=None, initial_value=prior.mode),
        )
        self._is_option = is_option
        self.register_parameter("raw_alone", torch.nn.Parameter(torch.zeros(1, dtype=torch.float64)))
        self.register_constraint("raw_alone", Interval(0.0, 1.0))
        # Wide and even: neither part is left out for a few lucky results.
        self.register_prior("alone_prior", NormalPrior(0.0, 1.5), lambda kernel: kernel.raw_alone)

    @property
    def alone(self) -> Tensor:
        """The share (0 to 1) of the effects of single columns."""
        share: Tensor = self.raw_alone_constraint.transform(self.raw_alone)
        return share

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_: Any) -> Tensor:
        """Covariances (… x n x m), or (… x n) of the rows in pairs where `diag`."""
        first, second = (x1, x2) if diag else (x1.unsqueeze(-2), x2.unsqueeze(-3))
        difference = first - second
        apart = torch.where(self._is_option, (difference.abs() > 0.5).to(difference), difference)
        scale = self.lengthscale if diag else self.lengthscale.unsqueeze(-2)
        squared = (apart / scale).square()
        share = self.alone
        return share * _matern(squared).mean(-1) + (1.0 - share) * _matern(squared.sum(-1))


def _matern(squared: Tensor) -> Tensor:
    distance = (5.0 * squared + 1e-20).sqrt()
    return (1.0 + distance + 5.0 / 3.0 * squared) * torch.exp(-distance)
