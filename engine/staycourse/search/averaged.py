"""A Gaussian process with its hyperparameters averaged over, and whole functions drawn from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staycourse.search.covariance import Floats, Kernel, Pairs, cholesky
from staycourse.search.posterior import Prior, posterior_particles

_FUNCTIONS = 64  # sets of hyperparameters that functions are drawn from


@dataclass(frozen=True)
class Model:
    """What `values` (n) at `rows` (n x d) say; `particles` are its hyperparameters' draws.

    `widened` is the factor by which its doubt is raised because its own predictions of left-out results
    missed by more than it thought.
    """

    kernel: Kernel
    rows: Floats
    values: Floats
    particles: Floats
    widened: float

    @classmethod
    def of(
        cls, kernel: Kernel, rows: Floats, values: Floats, prior: Prior, rng: np.random.Generator
    ) -> Model:
        """The model after these results; a function of its arguments."""
        particles = posterior_particles(kernel, rows, values, prior, rng)
        chosen = particles[np.linspace(0, len(particles) - 1, _FUNCTIONS).round().astype(int)]
        return cls(kernel, rows, values, chosen, _widening(kernel, rows, values, chosen))

    def pairs(self, rows: Floats) -> Pairs:
        """Of its results (n) with rows (m x d), as `given` takes them."""
        return self.kernel.pairs(self.rows, rows)

    def given(self, particle: Floats, rows: Floats, pairs: Pairs) -> Given:
        """What is known at rows (m x d), by one set of hyperparameters."""
        one = particle[None]
        factor = cholesky(self.kernel.with_noise(self.pairs(self.rows), one))[0]
        off = self.values - self.kernel.mean(self.rows, one)[0]
        white = np.linalg.solve(factor, np.column_stack([off, self.kernel.covariance(pairs, one)[0]]))
        root = white[:, 1:]
        mean = self.kernel.mean(rows, one)[0] + white[:, 0] @ root
        left = self.kernel.variance(rows, one)[0] - (root**2).sum(axis=0)
        return Given(mean, self.widened * np.sqrt(np.maximum(left, 0.0)), root)

    def joint(
        self, particle: Floats, rows: Floats, given: Given, count: int, rng: np.random.Generator
    ) -> Floats:
        """Functions (count x m) drawn jointly at rows (m x d), of which `given` says what is known."""
        prior = self.kernel.covariance(self.kernel.pairs(rows, rows), particle[None])[0]
        factor = cholesky(prior - given.root.T @ given.root)
        return given.mean + self.widened * (rng.standard_normal((count, len(rows))) @ factor.T)


@dataclass(frozen=True)
class Given:
    """Mean and deviation (m each), and what the results explain of the covariance, as a root (n x m)."""

    mean: Floats
    doubt: Floats
    root: Floats

    def at(self, chosen: NDArray[np.intp]) -> Given:
        """The same for some of the rows."""
        return Given(self.mean[chosen], self.doubt[chosen], self.root[:, chosen])


def _widening(kernel: Kernel, rows: Floats, values: Floats, particles: Floats) -> float:
    """By what the deviations of left-out results exceed those that the model gives them; at least 1.

    (Rasmussen, Williams: Gaussian Processes for Machine Learning, 2006, section 5.4.2.)
    """
    inverse = np.linalg.inv(kernel.with_noise(kernel.pairs(rows, rows), particles))
    precision = np.diagonal(inverse, axis1=1, axis2=2)
    off = values - kernel.mean(rows, particles)
    miss = np.einsum("pij,pj->pi", inverse, off) / precision
    standard = miss**2 * precision
    return max(1.0, math.sqrt(float(standard.mean())))
