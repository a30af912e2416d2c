"""All randomness is derived from the roadmap's seed, so that none of it has to be saved."""

from __future__ import annotations

import hashlib

_MASK = (1 << 64) - 1


def derive(*parts: int | str) -> int:
    """A 63-bit seed from the parts; equal parts give equal seeds on every machine and version."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def mix(base: int, step: int) -> int:
    """A 63-bit seed from a base and a counter, cheap enough for every step and sample.

    The finaliser of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
    OOPSLA 2014).
    """
    z = (base + (step + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return (z ^ (z >> 31)) >> 1
