"""The data's fingerprint: what the seal says about the data that was trained on.

By files where the roadmap names them (`[data] files`), by samples where it does not. Small data is hashed
as a whole, big data in parts; `method` says which, and a later check passes it on to hash the same parts.
Which it is depends on the data alone, never on how fast it was read: a seal must not hang on a clock.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import Subset, TensorDataset

from staycourse.core.problems import Problem
from staycourse.core.seeds import derive, mix
from staycourse.task import data_files
from staycourse.task.data_files import Manifest
from staycourse.training.data import Data
from staycourse.training.randomness import seed_all

_WEIGHED_SAMPLES = 64
_SPREAD = 512
# All samples are hashed up to these numbers: a sample of tensors in memory takes some 35 µs, any other may
# take as long as it likes.
_MOST_SAMPLES, _MOST_OF_TENSORS = 2048, 2**20


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
        Fingerprint(**data_files.fingerprint_facts(manifest)),
        manifest,
    )


def of_samples(datasets: Sequence[Any], seed: int, method: str | None = None) -> Fingerprint:
    """Fingerprint of the samples themselves, each fetched at a fixed seed.

    All samples of up to some 256 MiB, if there are at most 2048 or if they are tensors in memory; else an
    even spread of 512. `method` names how an earlier fingerprint was taken, to take this one alike.
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
    """How many samples to hash: all, or a spread of them."""
    if method is not None:
        return len(places) if method == "all samples" else int(method.split()[0])
    datasets = {id(dataset): dataset for dataset, _ in places}.values()
    most = _MOST_OF_TENSORS if all(map(_is_of_tensors, datasets)) else _MOST_SAMPLES
    if len(places) > most:
        return _SPREAD
    return len(places) if _estimated_bytes(places, seed) <= data_files.WHOLE_BYTES else _SPREAD


def _is_of_tensors(dataset: Any) -> bool:
    """Whether fetching a sample is no more than taking a row of tensors."""
    while isinstance(dataset, Subset) and type(dataset).__getitem__ is Subset.__getitem__:
        dataset = dataset.dataset
    return isinstance(dataset, TensorDataset) and type(dataset).__getitem__ is TensorDataset.__getitem__


def _estimated_bytes(places: Sequence[tuple[Any, int]], seed: int) -> float:
    weighed = _spread(places, _WEIGHED_SAMPLES)
    ignored = hashlib.sha256()
    size = sum(feed(ignored, sample_at(dataset, index, mix(seed, at))) for at, (dataset, index) in weighed)
    return size / max(1, len(weighed)) * len(places)


def _spread(places: Sequence[tuple[Any, int]], count: int) -> list[tuple[int, tuple[Any, int]]]:
    count = min(count, len(places))
    return [(at, places[at]) for at in (i * len(places) // count for i in range(count))]
