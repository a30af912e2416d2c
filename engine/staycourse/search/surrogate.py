"""Gaussian processes over the results of a search: the loss, and whether a set-up can be trained at all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import GammaPrior, LogNormalPrior

from staycourse.search.domain import Column, Floats
from staycourse.search.kernel import MixedMatern
from staycourse.search.scale import Scale

# The least variance of the noise, of a loss whose variance is 1: without noise, three digits are followed.
_LEAST_NOISE = 1e-6
_MOST_STEPS = 50


@dataclass(frozen=True)
class Surrogate:
    """What is known of the loss after `rows` (n x d) gave `losses` (n).

    `model` predicts the scaled loss (`scale`); it is in evaluation mode.
    """

    model: Any
    scale: Scale
    rows: Floats
    losses: Floats

    def predict(self, rows: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation (each m) of the scaled loss at `rows` (m x d), without its noise."""
        with torch.no_grad():
            posterior = self.model.posterior(torch.as_tensor(rows))
            return posterior.mean.squeeze(-1).numpy(), posterior.variance.squeeze(-1).sqrt().numpy()


def fit(columns: Sequence[Column], rows: Floats, losses: Floats) -> Surrogate:
    """The surrogate of finite losses (n) at rows (n x d), n >= 1, by maximum a posteriori.

    A pure function of its arguments on one thread of one machine.
    """
    scale = Scale.of(losses)
    noise_prior = LogNormalPrior(-4.0, 1.5)
    likelihood = GaussianLikelihood(
        noise_prior=noise_prior,
        noise_constraint=GreaterThan(_LEAST_NOISE, transform=None, initial_value=1e-3),
    )
    model = _fitted(columns, rows, scale.forward(losses), likelihood)
    return Surrogate(model, scale, rows, losses)


def feasibility(columns: Sequence[Column], rows: Floats, is_feasible: Sequence[bool]) -> Any:
    """A model whose output is above 0 where a set-up can be trained: regression on the labels +1 and -1.

    Good enough a classifier for a constraint, and as quick as the loss's own model.
    """
    labels = np.where(np.asarray(is_feasible), 1.0, -1.0)
    likelihood = GaussianLikelihood(
        noise_constraint=GreaterThan(1e-3, transform=None, initial_value=1e-2),
        noise_prior=LogNormalPrior(-4.0, 1.0),
    )
    return _fitted(columns, rows, labels, likelihood)


def with_pending(surrogate: Surrogate, rows: Floats) -> Surrogate:
    """The surrogate as if the trials under way at `rows` (m x d) had given what it expects of them.

    (The believer in Ginsbourger et al.: Kriging Is Well-Suited to Parallelize Optimization, 2010.)
    """
    mean, _ = surrogate.predict(rows)
    model = surrogate.model
    inputs = torch.cat([model.train_inputs[0], torch.as_tensor(rows)])
    targets = torch.cat([model.train_targets, torch.as_tensor(mean)])
    believed = SingleTaskGP(
        inputs,
        targets.unsqueeze(-1),
        likelihood=model.likelihood,
        covar_module=model.covar_module,
        mean_module=model.mean_module,
        outcome_transform=None,
    )
    return Surrogate(believed.eval(), surrogate.scale, surrogate.rows, surrogate.losses)


def _fitted(columns: Sequence[Column], rows: Floats, values: Floats, likelihood: Any) -> Any:
    is_option = torch.tensor([column.options > 0 for column in columns])
    kernel = ScaleKernel(MixedMatern(is_option), outputscale_prior=GammaPrior(2.0, 1.0))
    model = SingleTaskGP(
        torch.as_tensor(rows),
        torch.as_tensor(values).unsqueeze(-1),
        likelihood=likelihood,
        covar_module=kernel,
        outcome_transform=None,
    )
    mll = ExactMarginalLogLikelihood(model.likelihood, model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fit_gpytorch_mll(mll, optimizer_kwargs={"options": {"maxiter": _MOST_STEPS}})
        except Exception as error:  # the priors' modes are a model as well
            if not _is_numeric(error):
                raise
    return model.eval()


def _is_numeric(error: Exception) -> bool:
    from botorch.exceptions.errors import ModelFittingError
    from linear_operator.utils.errors import NanError, NotPSDError

    return isinstance(error, (ModelFittingError, NanError, NotPSDError))
