"""The state of a training: all that decides how it goes on, as plain data and tensors, in files.

    <folder>/<number>.json                    plain data, and the sha256 of both files
             <number>-<sha256>.safetensors    tensors

The tensors are written first, under a name that follows from their content. The JSON file replaces
the one before it as a whole. So a process may be killed at any moment, and the state that can be
read is the last one that was written completely. Nothing in the files is run when they are read.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.machine import TEMPORARY, canonical, digest, file_digest, fsio

if TYPE_CHECKING:
    from torch import Tensor

SHA256 = "sha256"
TENSORS = "tensors"


class DamagedState(Exception):
    """The files of a state are incomplete, or are not as they were written."""


@dataclass(frozen=True, slots=True)
class TrainingState:
    """Plain data and tensors, both by name."""

    facts: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def part(self, name: str) -> TrainingState:
        """Return what was added as `name`."""
        prefix = f"{name}."
        tensors = {
            key.removeprefix(prefix): tensor
            for key, tensor in self.tensors.items()
            if key.startswith(prefix)
        }
        return TrainingState(self.facts[name], tensors)

    @classmethod
    def of(cls, parts: Mapping[str, TrainingState], **facts: Any) -> TrainingState:
        """Return a state of parts and plain data."""
        tensors = {
            f"{name}.{key}": tensor
            for name, part in parts.items()
            for key, tensor in part.tensors.items()
        }
        return cls({**facts, **{name: part.facts for name, part in parts.items()}}, tensors)


def write_state(folder: Path, number: int, state: TrainingState) -> None:
    """Write a state in place of the one with that number; the older one stays if this fails.

    No other process may write to the folder meanwhile. Raises StoreError, or what safetensors
    raises, where the disk refuses it.
    """
    from safetensors.torch import save_file

    temporary = folder / f"{TEMPORARY}{uuid.uuid4().hex}"
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()}
    try:
        with fsio.store_errors(folder):
            save_file(plain, temporary)
            tensors = file_digest(temporary)
        fsio.publish_file(temporary, _tensors_path(folder, number, tensors))
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    content = {**state.facts, TENSORS: tensors}
    fsio.replace(_facts_path(folder, number), canonical({**content, SHA256: digest(content)}))
    _remove_others(folder, number, tensors)


def read_state(folder: Path, number: int) -> TrainingState | None:
    """Return the state with a number, None where there is none; raise DamagedState."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        data = _facts_path(folder, number).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedState(fsio.reason_of(error)) from error
    facts = _unsealed(data)
    path = _tensors_path(folder, number, facts.pop(TENSORS))
    try:
        if path.name != _tensors_path(folder, number, file_digest(path)).name:
            raise DamagedState("its tensors do not match their sha256")
        # copies: what a file is mapped to must not become the memory of the training
        return TrainingState(facts, {name: data.clone() for name, data in load_file(path).items()})
    except OSError as error:
        raise DamagedState(f"its tensors cannot be read: {fsio.reason_of(error)}") from error
    except SafetensorError as error:
        raise DamagedState(f"its tensors cannot be read: {error}") from error


def random_state() -> TrainingState:
    """Return the state of the global generators of Python, numpy and torch, with all GPUs in use.

    `restore_random_state` sets it again.
    """
    import numpy as np
    import torch

    version, numbers, gauss = random.getstate()
    legacy: Any = np.random.get_state(legacy=False)
    tensors = {
        "python": torch.tensor(numbers),
        "numpy": torch.from_numpy(legacy["state"]["key"].astype(np.int64)),
        "torch": torch.get_rng_state(),
    }
    if _uses_gpus():
        for device, state in enumerate(torch.cuda.get_rng_state_all()):
            tensors[f"cuda.{device}"] = state
    facts = {
        "python": [version, gauss],
        "numpy": [legacy["state"]["pos"], legacy["has_gauss"], legacy["gauss"]],
    }
    return TrainingState(facts, tensors)


def restore_random_state(state: TrainingState) -> None:
    """Set the global generators to what `random_state` returned."""
    import numpy as np
    import torch

    version, gauss = state.facts["python"]
    random.setstate((version, tuple(state.tensors["python"].tolist()), gauss))
    keys = state.tensors["numpy"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, *state.facts["numpy"]))
    torch.set_rng_state(state.tensors["torch"])
    if _uses_gpus():
        for device in range(torch.cuda.device_count()):
            if (there := state.tensors.get(f"cuda.{device}")) is not None:
                torch.cuda.set_rng_state(there, device)


def _uses_gpus() -> bool:
    """Say whether this process computes on a GPU."""
    import torch

    return torch.cuda.is_available() and bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def _facts_path(folder: Path, number: int) -> Path:
    return folder / f"{number}.json"


def _tensors_path(folder: Path, number: int, sha256: str) -> Path:
    return folder / f"{number}-{sha256}.safetensors"


def _unsealed(data: bytes) -> dict[str, Any]:
    """Return the content of a sealed JSON file; raise DamagedState where any byte was changed."""
    try:
        content: dict[str, Any] = json.loads(data)
        if canonical(content) == data and content.pop(SHA256) == digest(content):
            return content
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise DamagedState("its plain data do not match their sha256")


def _remove_others(folder: Path, number: int, tensors: str) -> None:
    """Remove the tensors of older states, and what a killed process left half written."""
    for path in folder.iterdir():
        older = path.match(f"{number}-*.safetensors")
        if path.name.startswith(TEMPORARY) or (
            older and path != _tensors_path(folder, number, tensors)
        ):
            with suppress(OSError):
                path.unlink()
