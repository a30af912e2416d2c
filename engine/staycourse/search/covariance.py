"""How a loss may vary over a space: the kernel of the model that regions are estimated by, and its bowl."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Numbers of a particle, after the logarithms of the lengthscales.
SHARE, VARIANCE, DEPTH, NOISE = -4, -3, -2, -1
HYPERPARAMETERS = 4
_JITTER = 1e-8
_LEAST_LENGTH = 0.03
# Of values with variance 1: the constant mean's variance, integrated out.
_MEAN_VARIANCE = 1.0
# Single results cannot tell noise from a loss that is rough at a small scale. For each unit of noise so much
# variance is taken to be of the second kind, with lengths so many times smaller: a smooth model would find
# the optimum of a flat valley with a sureness that no real loss deserves.
_ROUGH, _FINER = 0.5, 4.0
# Deviations of a column's slope from 0 and of its curvature from the bowl's, by the bowl's depth: of three
# columns two have their lowest point in the middle three fifths of the range, one nearer an end or beyond it.
_SLOPE, _CURVATURE = 1.2, 0.75


@dataclass(frozen=True)
class Pairs:
    """What covariances of rows (n) with rows (m) come from: squared distances in each column (columns x n x
    m), and covariances of bowls of depth 1 (n x m)."""

    squared: Floats
    bowls: Floats


@dataclass(frozen=True)
class Kernel:
    """Covariances of rows (positions from 0 to 1, and numbers of options where `is_option`).

    Matérn 5/2 in two parts, one the mean over the columns of a kernel of each alone, the other of all
    together (Duvenaud, Nickisch, Rasmussen: Additive Gaussian Processes, NeurIPS 2011). Two different
    options are at distance 1. A third, small part is rough (`_ROUGH`).

    Far from all results a loss is expected to rise, as a bowl does, unless `is_flat`: ranges are chosen
    around what may be good. Each column of positions has a slope and a curvature, with normal priors,
    integrated out (explicit basis functions: Rasmussen, Williams: Gaussian Processes for Machine Learning,
    2006, section 2.7; a quadratic mean against optima that nothing speaks for: Acerbi: Variational Bayesian
    Monte Carlo, NeurIPS 2018).

    A particle holds the logarithms of the lengthscales, the logit of the first part's share, and the
    logarithms of the variance, of the bowl's depth (by how much it rises to an end of one range) and of the
    noise's variance.
    """

    is_option: Flags
    is_flat: bool = False

    def pairs(self, first: Floats, second: Floats) -> Pairs:
        """Of rows (n x columns) with rows (m x columns)."""
        difference = first.T[:, :, None] - second.T[:, None, :]
        option = self.is_option[:, None, None]
        squared = np.where(option, (np.abs(difference) > 0.5).astype(float), difference**2)
        return Pairs(squared, self._features(first) @ self._features(second).T)

    def mean(self, rows: Floats, particles: Floats) -> Floats:
        """What is expected of rows (n x columns) before any result (particles x n)."""
        rise = ((2.0 * rows[:, ~self.is_option] - 1.0) ** 2).sum(axis=1)
        expected: Floats = self._depth(particles)[:, None] * rise
        return expected

    def variance(self, rows: Floats, particles: Floats) -> Floats:
        """Of rows (n x columns) before any result (particles x n): the diagonal of their covariance."""
        bowls = (self._features(rows) ** 2).sum(axis=1)
        same = np.exp(particles[:, VARIANCE]) + _ROUGH * np.exp(particles[:, NOISE]) + _MEAN_VARIANCE
        variance: Floats = same[:, None] + self._depth(particles)[:, None] ** 2 * bowls
        return variance

    def covariance(self, pairs: Pairs, particles: Floats) -> Floats:
        """Covariances (particles x n x m), the mean's uncertainty included, the noise left out."""
        columns = len(pairs.squared)
        lengths = np.maximum(np.exp(particles[:, :columns]), _LEAST_LENGTH)
        share = 1.0 / (1.0 + np.exp(-particles[:, SHARE]))[:, None, None]
        together = np.zeros((len(particles), *pairs.bowls.shape))
        alone = np.zeros_like(together)
        for at, squared in enumerate(pairs.squared):
            scaled = squared / (lengths[:, at] ** 2)[:, None, None]
            together += scaled
            alone += _matern(scaled) / columns
        variance = np.exp(particles[:, VARIANCE])[:, None, None]
        covariance: Floats = variance * (share * alone + (1.0 - share) * _matern(together))
        rough = _ROUGH * np.exp(particles[:, NOISE])[:, None, None] * _matern(together * _FINER**2)
        bowls = self._depth(particles)[:, None, None] ** 2 * pairs.bowls
        return covariance + rough + bowls + _MEAN_VARIANCE

    def with_noise(self, pairs: Pairs, particles: Floats) -> Floats:
        """Covariances (particles x n x n) of results, noise and all."""
        covariance = self.covariance(pairs, particles)
        at = np.arange(covariance.shape[1])
        covariance[:, at, at] += np.exp(particles[:, NOISE])[:, None] + _JITTER * covariance[:, at, at]
        return covariance

    def _features(self, rows: Floats) -> Floats:
        """Slopes and curvatures (n x twice the columns of positions), by their deviations."""
        along = 2.0 * rows[:, ~self.is_option] - 1.0
        return np.hstack([_SLOPE * along, _CURVATURE * along**2])

    def _depth(self, particles: Floats) -> Floats:
        return np.zeros(len(particles)) if self.is_flat else np.exp(particles[:, DEPTH])


def noise_of(particles: Floats) -> Floats:
    """The variance between results of near set-ups, one a particle: noise, and what looks like it."""
    variance: Floats = (1.0 + _ROUGH) * np.exp(particles[:, NOISE])
    return variance


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


def _matern(squared: Floats) -> Floats:
    distance = np.sqrt(5.0 * squared)
    value: Floats = (1.0 + distance + 5.0 / 3.0 * squared) * np.exp(-distance)
    return value
