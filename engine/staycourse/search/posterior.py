"""What a search's results say of the loss everywhere, with its hyperparameters averaged over.

A Gaussian process whose lengthscales are set to their most likely values is surer of itself than its data
allow, the more so after few trials. Here they are drawn from their posterior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staycourse.search.covariance import HYPERPARAMETERS, Floats, Kernel, Pairs, cholesky

_PARTICLES, _LEAST_PARTICLES = 192, 64
_MOVES = 4
_FARTHEST = 20.0
# Covariances held at once, in numbers.
_CHUNK = 2_000_000
# Of the lengthscales' logarithms: a loss turns once or twice within a range; the deviation leaves room for
# ranges that do not matter. (Priors made for many dimensions, with their long lengthscales, take losses for
# straight lines and put the optimum at a bound.)
_LENGTH = (-0.3, 1.0)
# Of values with variance 1: the logarithm of the depth of the bowl that is expected far from all results.
_DEPTH = (-0.2, 0.7)


@dataclass(frozen=True)
class Prior:
    """Log-normal priors; `noise` is mean and deviation of the logarithm of the noise's variance."""

    columns: int
    noise: tuple[float, float] = (-4.0, 2.0)

    def draw(self, count: int, rng: np.random.Generator) -> Floats:
        """Particles (count x columns + 4)."""
        return self._centre + self._width * rng.standard_normal((count, self.columns + HYPERPARAMETERS))

    def log_density(self, particles: Floats) -> Floats:
        """Up to a constant, one a particle."""
        density: Floats = -0.5 * (((particles - self._centre) / self._width) ** 2).sum(axis=1)
        return density

    @property
    def _centre(self) -> Floats:
        return np.array([_LENGTH[0]] * self.columns + [0.0, 0.0, _DEPTH[0], self.noise[0]])

    @property
    def _width(self) -> Floats:
        return np.array([_LENGTH[1]] * self.columns + [1.5, 1.0, _DEPTH[1], self.noise[1]])


@dataclass(frozen=True)
class _Results:
    """`values` (n) at `rows` (n x columns)."""

    kernel: Kernel
    rows: Floats
    pairs: Pairs
    values: Floats

    def likelihoods(self, particles: Floats) -> Floats:
        """Logarithms of the marginal likelihoods, one a particle."""
        chunk = max(1, _CHUNK // len(self.values) ** 2)
        parts = [particles[at : at + chunk] for at in range(0, len(particles), chunk)]
        found = np.concatenate([self._of(np.clip(part, -_FARTHEST, _FARTHEST)) for part in parts])
        found[np.abs(particles).max(axis=1) > _FARTHEST] = -np.inf
        return found

    def _of(self, particles: Floats) -> Floats:
        factors = cholesky(self.kernel.with_noise(self.pairs, particles))
        off = self.values - self.kernel.mean(self.rows, particles)
        white = np.linalg.solve(factors, off[:, :, None])[..., 0]
        logs: Floats = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        found: Floats = -0.5 * (white**2).sum(axis=1) - logs
        return found


def posterior_particles(
    kernel: Kernel, rows: Floats, values: Floats, prior: Prior, rng: np.random.Generator
) -> Floats:
    """Hyperparameters (particles x columns + 4) drawn from their posterior, each as likely as the others.

    Sequential Monte Carlo from the prior to the posterior over powers of the likelihood, with random-walk
    moves in between (Del Moral, Doucet, Jasra: Sequential Monte Carlo samplers, JRSS B 68, 2006).
    """
    results = _Results(kernel, rows, kernel.pairs(rows, rows), values)
    count = int(min(_PARTICLES, max(_LEAST_PARTICLES, _PARTICLES * (60 / len(rows)) ** 2)))
    particles = prior.draw(count, rng)
    likelihood = results.likelihoods(particles)
    power = 0.0
    while power < 1.0:
        step = _step(likelihood, 1.0 - power)
        chosen = _resampled(step * likelihood, rng)
        particles, likelihood, power = particles[chosen], likelihood[chosen], power + step
        for _ in range(_MOVES):
            particles, likelihood = _moved(results, prior, particles, likelihood, power, rng)
    return particles


def _moved(
    results: _Results,
    prior: Prior,
    particles: Floats,
    likelihood: Floats,
    power: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    size = particles.shape[1]
    spread = np.cov(particles.T) + 1e-6 * np.eye(size)
    reach = 2.38 / math.sqrt(size) * rng.choice([0.3, 1.0], size=(len(particles), 1))
    moved = particles + reach * (rng.standard_normal(particles.shape) @ np.linalg.cholesky(spread).T)
    found = results.likelihoods(moved)
    gain = power * (found - likelihood) + prior.log_density(moved) - prior.log_density(particles)
    is_taken = np.log(rng.random(len(particles))) < gain
    return np.where(is_taken[:, None], moved, particles), np.where(is_taken, found, likelihood)


def _step(likelihood: Floats, most: float) -> float:
    """The largest step of the power that leaves half of the particles effective."""
    if _effective(most * likelihood) >= 0.5 * len(likelihood):
        return most
    low, high = 0.0, most
    for _ in range(40):
        middle = (low + high) / 2
        if _effective(middle * likelihood) >= 0.5 * len(likelihood):
            low = middle
        else:
            high = middle
    return max(low, 1e-4)


def _effective(logs: Floats) -> float:
    weights = _weights(logs)
    return 1.0 / float((weights**2).sum())


def _weights(logs: Floats) -> Floats:
    weights = np.exp(logs - logs.max())
    normal: Floats = weights / weights.sum()
    return normal


def _resampled(logs: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """Systematic resampling."""
    edges = np.cumsum(_weights(logs))
    points = (np.arange(len(logs)) + rng.random()) / len(logs)
    return np.minimum(np.searchsorted(edges, points), len(logs) - 1)
