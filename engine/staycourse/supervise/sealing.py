"""The seal of a checked roadmap, computed alike for a run and for who only wants to see it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staycourse.core.problems import UserError
from staycourse.hardware.environment import describe
from staycourse.hardware.gpus import Nvml, NvmlUnavailable, open_nvml, visible_gpus
from staycourse.record.seal import hash_code, seal, seal_parts
from staycourse.supervise.options import Options
from staycourse.task.checking import Checked
from staycourse.task.command.interpreter import describe as describe_interpreter


@dataclass(frozen=True)
class Sealing:
    """The seal (64 hex digits), its parts by name, and what two of them are hashes of: the environment,
    and each code file's SHA-256 by its path in `code/`."""

    seal: str
    parts: Mapping[str, str]
    environment: Mapping[str, object]
    code: Mapping[str, str]


def sealed_parts(checked: Checked, options: Options, nvml: Nvml | NvmlUnavailable | None = None) -> Sealing:
    """What a run of the checked roadmap on these devices is sealed with; nothing is written.

    Raises UserError for devices that are not there.
    """
    environment = environment_now(checked.facts, options, nvml or open_nvml())
    code = hash_code(checked.code)
    lineage = checked.lineage.to_json() if checked.lineage else None
    data, outside = checked.facts.get("fingerprint", {}), checked.facts.get("outside", {})
    parts = seal_parts(checked.text, code, data, environment, lineage, outside.get("digest"))
    return Sealing(seal(parts), parts, environment, code)


def environment_now(
    facts: Mapping[str, Any], options: Options, nvml: Nvml | NvmlUnavailable
) -> dict[str, object]:
    """The environment as it is sealed, and asked again whenever an engine takes the run up; `facts` are the
    check's, which names the distributions that the task imports."""
    gpus = visible_gpus(nvml, os.environ, options.devices)
    described = describe(gpus, nvml, facts.get("distributions") or ())
    return described | _of_a_script(facts.get("interpreter"))


def _of_a_script(interpreter: Mapping[str, Any] | None) -> dict[str, object]:
    """What a command task runs on; an interpreter that does not run any more is told as that."""
    if interpreter is None:
        return {}
    try:
        told = describe_interpreter(interpreter["path"])
    except UserError as error:
        return {"script": {"python": str(error)}}
    return {"script": {"python": told["python"], "packages": told["packages"]}}
