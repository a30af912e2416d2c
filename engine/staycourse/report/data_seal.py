"""How the data was sealed, and how it has been watched since, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycourse.report.markdown import count, escape, size


def covers(fingerprint: Mapping[str, Any]) -> str:
    """What the fingerprint covers: `by content, 12 files, 3.4 MiB`. Whatever is not there is left out."""
    method = str(fingerprint.get("method") or "")
    if method == "content":
        return _listed("by content", _files(fingerprint), _size(fingerprint, "total_bytes", "bytes"))
    if method == "sampled content":
        return _sampled(fingerprint)
    if method.endswith("samples"):
        return _listed(_samples(fingerprint), _size(fingerprint, "bytes"))
    if method == "form and sizes":
        return "form and sizes alone, for the samples differ each time that they are read"
    return _listed(escape(method), _files(fingerprint), _size(fingerprint, "bytes"))


def watched(facts: Mapping[str, Any]) -> str:
    """What was looked at again and again while the run went on; empty where the seal says nothing of it."""
    files, fingerprint = facts.get("data_files"), facts.get("fingerprint")
    if not isinstance(files, Mapping) or not isinstance(fingerprint, Mapping):
        return ""
    if files.get("kind") == "covered":
        return "these files: size and time, and the content again where one of them differed"
    has_samples = str(fingerprint.get("method")).endswith(" samples")
    if many := files.get("count"):
        left_out = files.get("left_out")
        more = f" ({left_out:,} more were left out)" if isinstance(left_out, int) and left_out else ""
        again = (
            "; the samples were hashed again whenever a later engine took the run up" if has_samples else ""
        )
        return (
            f"{count(many, 'file')} that the task was seen to open{more}: size and time, then content{again}"
        )
    if has_samples:
        return (
            "no file, for the task was not seen to open any: the samples were hashed again whenever an "
            "engine took the run up"
        )
    return "nothing: no file was seen to be opened, and there is no content to compare"


def _sampled(fingerprint: Mapping[str, Any]) -> str:
    files, read = fingerprint.get("files"), fingerprint.get("files_read")
    of, rest = _files(fingerprint) or "files", ""
    if isinstance(files, int) and isinstance(read, int) and read < files:
        of, rest = f"{read:,} of {count(files, 'file')}", ", of the other files the size alone"
    what = _listed(f"sampled content of {of}", _size(fingerprint, "total_bytes"))
    pieces = f"three pieces of {size(piece)} a file" if (piece := fingerprint.get("piece")) else "pieces"
    return f"{what}: sizes and {pieces}{rest}; what lies between is not seen except by its time"


def _samples(fingerprint: Mapping[str, Any]) -> str:
    taken, of = fingerprint.get("samples"), fingerprint.get("of")
    if not isinstance(taken, int):
        return escape(str(fingerprint.get("method")))
    if fingerprint.get("method") == "all samples":
        return f"all {count(taken, 'sample')}"
    if isinstance(of, int) and of:
        return f"{taken:,} of {count(of, 'sample')}, evenly spread"
    return count(taken, "sample")


def _files(fingerprint: Mapping[str, Any]) -> str:
    files = fingerprint.get("files")
    return count(files, "file") if isinstance(files, int) and files else ""


def _size(fingerprint: Mapping[str, Any], *names: str) -> str:
    found = [fingerprint[name] for name in names if isinstance(fingerprint.get(name), int)]
    return size(found[0]) if found else ""


def _listed(*words: str) -> str:
    return ", ".join(filter(None, words))
