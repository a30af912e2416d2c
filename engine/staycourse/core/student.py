"""Student's t distribution: its tail and its quantiles, for the small samples that seeds are."""

from __future__ import annotations

import math

# A library of mathematics may differ from another in the last bits; what is decided must not.
_DIGITS = 9


def two_sided_p(t: float, df: float) -> float:
    """The probability of a value at least as far from zero as `t`, with `df` > 0 degrees of freedom."""
    if math.isinf(t):
        return 0.0
    return round(_incomplete_beta(df / 2, 0.5, df / (df + t * t)), _DIGITS)


def quantile(level: float, df: float) -> float:
    """The value that a share `level` (0.5 to below 1) of the distribution lies below, by bisection."""
    low, high = 0.0, 1.0
    while two_sided_p(high, df) / 2 > 1 - level:
        low, high = high, high * 2
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        if _incomplete_beta(df / 2, 0.5, df / (df + middle * middle)) / 2 > 1 - level:
            low = middle
        else:
            high = middle
    return float(f"{(low + high) / 2:.7g}")


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised one (Abramowitz and Stegun: Handbook of mathematical functions, 1964, 26.5)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log1p(-x))
    if x > (a + 1) / (a + b + 2):
        return 1 - front * _fraction(b, a, 1 - x) / b
    return front * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction 26.5.8 there, from its end: 200 terms are far more than it takes."""
    value = 1.0
    for m in range(200, 0, -1):
        half, odd = divmod(m, 2)
        if odd:
            top = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            top = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        value = 1 + top / value
    return 1 / value
