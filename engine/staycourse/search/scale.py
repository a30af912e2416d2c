"""From losses to what a Gaussian process can model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from staycourse.search.domain import Floats

# How far above the median a loss counts: in distances from the best to the median.
_REACH = 3.0


@dataclass(frozen=True)
class Scale:
    """Losses clipped from above, then with mean 0 and variance 1.

    Bad set-ups have losses without bound (a learning rate ten times too high), and say no more by it than
    that they are bad: unclipped, they would leave a model no eye for the differences among good ones.
    """

    most: float
    mean: float
    spread: float

    @classmethod
    def of(cls, losses: Floats) -> Scale:
        best, middle = float(np.min(losses)), float(np.median(losses))
        most = middle + _REACH * (middle - best) if middle > best else float(np.max(losses))
        clipped = np.minimum(losses, most)
        return cls(most, float(np.mean(clipped)), float(np.std(clipped)) or 1.0)

    def forward(self, losses: Floats) -> Floats:
        """Scaled losses."""
        scaled: Floats = (np.minimum(losses, self.most) - self.mean) / self.spread
        return scaled
