"""The state of an interrupted training in one safetensors file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from python_ml.errors import ModelError

SEPARATOR = "/"


def write_checkpoint(
    file: Path, parts: Mapping[str, Mapping[str, torch.Tensor]], facts: Mapping[str, Any]
) -> None:
    """Replace a file at once: a reader finds the old state or the new one.

    Args:
        file: where to; its folder is made where it is not there.
        parts: tensors by name, by name of the part; names of parts hold no "/".
        facts: what JSON can hold.
    """
    # Cloned because parts may share memory, which the format refuses.
    tensors = {
        f"{part}{SEPARATOR}{name}": tensor.detach().cpu().clone().contiguous()
        for part, named in parts.items()
        for name, tensor in named.items()
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + ".partial")
    save_file(tensors, partial, metadata={"facts": json.dumps(facts)})
    partial.replace(file)


def read_checkpoint(file: Path) -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, Any]]:
    """What `write_checkpoint` was given, on the CPU.

    Raises:
        ModelError: the file is cut short, or something else than a checkpoint.
    """
    parts: dict[str, dict[str, torch.Tensor]] = {}
    try:
        with safe_open(file, framework="pt") as opened:
            facts = json.loads((opened.metadata() or {})["facts"])
            for key in opened.keys():  # noqa: SIM118, it is no mapping
                part, name = key.split(SEPARATOR, 1)
                parts.setdefault(part, {})[name] = opened.get_tensor(key)
    except (SafetensorError, KeyError, ValueError) as error:
        raise ModelError(
            f"the file is no checkpoint: {error}", where=str(file), remedy="remove it"
        ) from error
    return parts, facts
