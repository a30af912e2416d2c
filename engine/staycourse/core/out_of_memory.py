"""How a trial goes on where memory ended: once more as it was, then with fewer samples in a forward pass.

Fewer at once make the same update: their gradients are added up (gradient accumulation), and the effective
batch stays what the set-up says.
"""

from __future__ import annotations


def fewer_at_once(at_once: int, batch_size: int, *, is_allowed: bool) -> int | None:
    """The most samples of a forward pass after memory ended with `at_once` of them; None if nothing is left.

    A batch that a schedule has made larger than the set-up's `batch_size` is cut in any case, for that
    size has been trained with; one of that size or smaller only if the roadmap allows it.
    """
    if at_once > batch_size:
        return max(batch_size, at_once // 2)
    return at_once // 2 if is_allowed and at_once > 1 else None
