"""What a search's results say of the loss everywhere, with its hyperparameters averaged over.

A Gaussian process whose lengthscales are set to their most likely values is surer of itself than its data
allow, the more so after few trials. Here they are drawn from their posterior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_PARTICLES, _LEAST_PARTICLES = 192, 64
_MOVES = 4
_JITTER = 1e-8
_FARTHEST = 20.0
# Covariances held at once, in numbers.
_CHUNK = 2_000_000
_LEAST_LENGTH = 0.03
# Of the lengthscales' logarithms: a loss turns once or twice within a range; the deviation leaves room for
# ranges that do not matter. (Priors made for many dimensions, with their long lengthscales, take losses for
# straight lines and put the optimum at a bound.)
_LENGTH = (-0.3, 1.0)
# Of values with variance 1: the constant mean's variance, integrated out.
_MEAN_VARIANCE = 1.0
# Single results cannot tell noise from a loss that is rough at a small scale. For each unit of noise so much
# variance is taken to be of the second kind, with lengths so many times smaller: a smooth model would find
# the optimum of a flat valley with a sureness that no real loss deserves.
_ROUGH, _FINER = 0.5, 4.0


@dataclass(frozen=True)
class Prior:
    """Log-normal priors; `noise` is mean and deviation of the logarithm of the noise's variance."""

    columns: int
    noise: tuple[float, float] = (-4.0, 2.0)

    def draw(self, count: int, rng: np.random.Generator) -> Floats:
        """Particles (count x columns + 3)."""
        return self._centre + self._width * rng.standard_normal((count, self.columns + 3))

    def log_density(self, particles: Floats) -> Floats:
        """Up to a constant, one a particle."""
        density: Floats = -0.5 * (((particles - self._centre) / self._width) ** 2).sum(axis=1)
        return density

    @property
    def _centre(self) -> Floats:
        return np.array([_LENGTH[0]] * self.columns + [0.0, 0.0, self.noise[0]])

    @property
    def _width(self) -> Floats:
        return np.array([_LENGTH[1]] * self.columns + [1.5, 1.0, self.noise[1]])


@dataclass(frozen=True)
class Kernel:
    """Covariances of rows (positions from 0 to 1, and numbers of options where `is_option`).

    Matérn 5/2 in two parts, one the mean over the columns of a kernel of each alone, the other of all
    together (Duvenaud, Nickisch, Rasmussen: Additive Gaussian Processes, NeurIPS 2011). Two different
    options are at distance 1. A particle holds the logarithms of the lengthscales, the logit of the first
    part's share, and the logarithms of the variance and of the noise's variance. A third, small part is
    rough (`_ROUGH`).
    """

    is_option: Flags

    def apart(self, first: Floats, second: Floats) -> Floats:
        """Squared distances (columns x n x m) of rows (n x columns) and (m x columns)."""
        difference = first.T[:, :, None] - second.T[:, None, :]
        option = self.is_option[:, None, None]
        return np.where(option, (np.abs(difference) > 0.5).astype(float), difference**2)

    def covariance(self, apart: Floats, particles: Floats) -> Floats:
        """Covariances (particles x n x m), the mean's uncertainty included, the noise left out."""
        columns = len(apart)
        lengths = np.maximum(np.exp(particles[:, :columns]), _LEAST_LENGTH)
        share = 1.0 / (1.0 + np.exp(-particles[:, columns]))[:, None, None]
        together = np.zeros((len(particles), *apart.shape[1:]))
        alone = np.zeros_like(together)
        for at, squared in enumerate(apart):
            scaled = squared / (lengths[:, at] ** 2)[:, None, None]
            together += scaled
            alone += _matern(scaled) / columns
        variance = np.exp(particles[:, columns + 1])[:, None, None]
        covariance: Floats = variance * (share * alone + (1.0 - share) * _matern(together))
        rough = _ROUGH * np.exp(particles[:, -1])[:, None, None] * _matern(together * _FINER**2)
        return covariance + rough + _MEAN_VARIANCE

    def with_noise(self, apart: Floats, particles: Floats) -> Floats:
        """Covariances (particles x n x n) of results, noise and all."""
        covariance = self.covariance(apart, particles)
        at = np.arange(covariance.shape[1])
        covariance[:, at, at] += np.exp(particles[:, -1])[:, None] + _JITTER * covariance[:, at, at]
        return covariance


def noise_of(particles: Floats) -> Floats:
    """The variance between results of near set-ups, one a particle: noise, and what looks like it."""
    variance: Floats = (1.0 + _ROUGH) * np.exp(particles[:, -1])
    return variance


def posterior_particles(
    kernel: Kernel, rows: Floats, values: Floats, prior: Prior, rng: np.random.Generator
) -> Floats:
    """Hyperparameters (particles x columns + 3) drawn from their posterior, each as likely as the others.

    Sequential Monte Carlo from the prior to the posterior over powers of the likelihood, with random-walk
    moves in between (Del Moral, Doucet, Jasra: Sequential Monte Carlo samplers, JRSS B 68, 2006).
    """
    apart = kernel.apart(rows, rows)
    count = int(min(_PARTICLES, max(_LEAST_PARTICLES, _PARTICLES * (60 / len(rows)) ** 2)))
    particles = prior.draw(count, rng)
    likelihood = _likelihoods(kernel, apart, values, particles)
    power = 0.0
    while power < 1.0:
        step = _step(likelihood, 1.0 - power)
        chosen = _resampled(step * likelihood, rng)
        particles, likelihood, power = particles[chosen], likelihood[chosen], power + step
        for _ in range(_MOVES):
            particles, likelihood = _moved(kernel, apart, values, prior, particles, likelihood, power, rng)
    return particles


def _moved(
    kernel: Kernel,
    apart: Floats,
    values: Floats,
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
    found = _likelihoods(kernel, apart, values, moved)
    gain = power * (found - likelihood) + prior.log_density(moved) - prior.log_density(particles)
    is_taken = np.log(rng.random(len(particles))) < gain
    return np.where(is_taken[:, None], moved, particles), np.where(is_taken, found, likelihood)


def _likelihoods(kernel: Kernel, apart: Floats, values: Floats, particles: Floats) -> Floats:
    """Logarithms of the marginal likelihoods, one a particle."""
    chunk = max(1, _CHUNK // len(values) ** 2)
    parts = [particles[at : at + chunk] for at in range(0, len(particles), chunk)]
    found = np.concatenate([_of_chunk(kernel, apart, values, part) for part in parts])
    found[np.abs(particles).max(axis=1) > _FARTHEST] = -np.inf
    return found


def _of_chunk(kernel: Kernel, apart: Floats, values: Floats, particles: Floats) -> Floats:
    covariance = kernel.with_noise(apart, np.clip(particles, -_FARTHEST, _FARTHEST))
    factors = cholesky(covariance)
    columns = np.broadcast_to(values[:, None], (len(particles), len(values), 1))
    white = np.linalg.solve(factors, columns)[..., 0]
    logs: Floats = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    found: Floats = -0.5 * (white**2).sum(axis=1) - logs
    return found


def cholesky(matrices: Floats) -> Floats:
    """Lower factors of covariances (… x n x n); the diagonal is raised where rounding needs it."""
    size = np.einsum("...ii->...", matrices) / matrices.shape[-1]
    unit = np.eye(matrices.shape[-1])
    for jitter in (0.0, 1e-8, 1e-6, 1e-4, 1e-2):
        try:
            factors: Floats = np.linalg.cholesky(matrices + (jitter * size)[..., None, None] * unit)
        except np.linalg.LinAlgError:
            continue
        return factors
    return np.linalg.cholesky(matrices + size[..., None, None] * unit)


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


def _matern(squared: Floats) -> Floats:
    distance = np.sqrt(5.0 * squared)
    value: Floats = (1.0 + distance + 5.0 / 3.0 * squared) * np.exp(-distance)
    return value
