"""The data's fingerprint: what the seal says about the data that was trained on.

By files where the roadmap names them (`[data] files`), by samples where it does not. Small data is hashed
as a whole, big data in parts; `method` says which, and a later check passes it on to hash the same parts.
"""

from __future__ import annotations

import hashlib
import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from staycourse.core.problems import Problem
from staycourse.core.seeds import derive, mix
from staycourse.task import data_files
from staycourse.task.data_files import Manifest
from staycourse.training.data import Data
from staycourse.training.randomness import seed_all

_TIMED_SAMPLES = 64
_MOST_SECONDS = 2.0
_SPREADS = (4096, 1024, 256, 64)


class _Hash(Protocol):
    def update(self, data: Any, /) -> None: ...


@dataclass(frozen=True)
class Fingerprint:
    """`method`: `content` or `sampled content` of files, `all samples` or `n samples`; `bytes` as hashed.

    Of files, `total_bytes` is their size, `files_read` how many were looked into, and `piece` the size of
    each of the three pieces that were read of a file, 0 for all of it. Of samples, `of` is their number.
    """

    sha256: str
    method: str
    bytes: int
    samples: int = 0
    files: int = 0
    total_bytes: int = 0
    files_read: int = 0
    piece: int = 0
    of: int = 0

    def facts(self) -> dict[str, Any]:
        return asdict(self)


def of_files(folder: Path, patterns: Sequence[str]) -> tuple[Fingerprint, Manifest] | list[Problem]:
    """Fingerprint and list of the files that the patterns match, relative to `folder`; each has to match one.

    Up to 256 MiB in total by content, beyond by size and three pieces of the content.
    """
    found: set[Path] = set()
    problems = []
    for at, pattern in enumerate(patterns):
        matching = data_files.matches(folder, pattern)
        if not matching:
            problems.append(
                Problem(("data", "files", at), f"no file matches '{pattern}'", f"relative to {folder}")
            )
        found.update(matching)
    if problems:
        return problems
    try:
        manifest = data_files.take(folder, found, "covered", patterns)
    except OSError as error:
        return [Problem(("data", "files"), f"{error.filename} cannot be read ({error.strerror})")]
    return (
        Fingerprint(
            sha256=manifest.digest,
            method="sampled content" if manifest.piece else "content",
            bytes=manifest.bytes_read,
            files=len(manifest.files),
            total_bytes=manifest.total_bytes,
            files_read=manifest.files_read,
            piece=manifest.piece,
        ),
        manifest,
    )


def of_samples(datasets: Sequence[Any], seed: int, method: str | None = None) -> Fingerprint:
    """Fingerprint of the samples themselves, each fetched at a fixed seed.

    All samples if that takes some two seconds, else an even spread of them. `method` names how an earlier
    fingerprint was taken, to take this one alike.
    """
    places = [(dataset, index) for dataset in datasets for index in range(len(dataset))]
    chosen = _spread(places, _count(places, seed, method))
    digest, size = hashlib.sha256(f"{[len(dataset) for dataset in datasets]}".encode()), 0
    for at, (dataset, index) in chosen:
        size += feed(digest, sample_at(dataset, index, mix(derive(seed, "fingerprint"), at)))
    named = "all samples" if len(chosen) == len(places) else f"{len(chosen)} samples"
    return Fingerprint(digest.hexdigest(), named, size, samples=len(chosen), of=len(places))


def sample_sets(data: Data) -> list[Any]:
    """The data sets whose samples are hashed: the one of the task, or both where it gives the split."""
    if not data.split_given:
        return [data.whole]
    return [part.dataset for part in (data.train, data.validation) if part is not None]


def of_description(text: str, sizes: Sequence[int]) -> Fingerprint:
    """For data that answers differently each time: its form and sizes are all that can be held fast."""
    content = f"{text}\0{list(sizes)}".encode()
    return Fingerprint(hashlib.sha256(content).hexdigest(), "form and sizes", len(content))


def sample_at(dataset: Any, index: int, seed: int) -> Any:
    """A sample, fetched with all global generators at a seed."""
    seed_all(seed)
    return dataset[index]


def of_value(value: Any) -> str:
    """SHA-256 of a sample."""
    digest = hashlib.sha256()
    feed(digest, value)
    return digest.hexdigest()


def describe(value: Any) -> str:
    """Form of a sample: `(float32[1, 8, 8], int64[])`."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    if isinstance(value, (tuple, list)):
        inner = ", ".join(describe(item) for item in value[:8]) + (", …" if len(value) > 8 else "")
        return f"({inner})" if isinstance(value, tuple) else f"[{inner}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {describe(item)}" for key, item in value.items()) + "}"
    return type(value).__name__


def feed(digest: _Hash, value: Any) -> int:
    """Add a sample to a hash, whatever it is made of; returns the bytes added."""
    if isinstance(value, torch.Tensor) and value.layout is torch.strided:
        flat = value.detach().cpu().reshape(-1).contiguous().view(torch.uint8)
        return _feed_array(digest, describe(value), flat.numpy())
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return _feed_array(digest, describe(value), np.ascontiguousarray(value))
    if isinstance(value, (tuple, list)):
        digest.update(f"{len(value)}(".encode())
        return sum(feed(digest, item) for item in value)
    if isinstance(value, Mapping):
        digest.update(f"{len(value)}{{".encode())
        return sum(feed(digest, str(key)) + feed(digest, item) for key, item in value.items())
    return _feed_other(digest, value)


def _feed_array(digest: _Hash, form: str, array: Any) -> int:
    digest.update(form.encode())
    digest.update(array.data if array.size else b"")
    return int(array.nbytes)


def _feed_other(digest: _Hash, value: Any) -> int:
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        data = value if isinstance(value, bytes) else f"{type(value).__name__}:{value!r}".encode()
    elif is_dataclass(value) and not isinstance(value, type):
        return feed(digest, vars(value))
    elif callable(getattr(value, "tobytes", None)):  # an image
        data = f"{getattr(value, 'mode', '')}{getattr(value, 'size', '')}".encode() + value.tobytes()
    else:
        data = pickle.dumps(value)
    digest.update(len(data).to_bytes(8, "big"))
    digest.update(data)
    return len(data)


def _count(places: Sequence[tuple[Any, int]], seed: int, method: str | None) -> int:
    """How many samples to hash: all, or as many as fit the time."""
    if method is not None:
        return len(places) if method == "all samples" else int(method.split()[0])
    timed = _spread(places, _TIMED_SAMPLES)
    began, size, ignored = time.perf_counter(), 0, hashlib.sha256()
    for at, (dataset, index) in timed:
        size += feed(ignored, sample_at(dataset, index, mix(seed, at)))
    seconds = (time.perf_counter() - began) / max(1, len(timed))
    affordable = _MOST_SECONDS / max(seconds, 1e-9)
    if size / max(1, len(timed)) * len(places) <= data_files.WHOLE_BYTES and affordable >= len(places):
        return len(places)
    return next((count for count in _SPREADS if count <= affordable), _SPREADS[-1])


def _spread(places: Sequence[tuple[Any, int]], count: int) -> list[tuple[int, tuple[Any, int]]]:
    count = min(count, len(places))
    return [(at, places[at]) for at in (i * len(places) // count for i in range(count))]
