"""Quantised models, kept by the content of their checkpoint, so that each is quantised once.

    checkpoint in 16 bits   read, quantised   ->  model  ->  kept in 4 or 8 bits
                                                  model  <-  read, for every later load

A cell loads its model twice: to train, and to check what it has saved. The kept files have a
quarter of the bytes, and nothing is left to compute. The model is the same to the last bit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchbench.kit.cache import is_enabled
from benchbench.kit.file_cache import find_files, keep_files, load_of_cell
from benchbench_backbones.checkpoint import Checkpoint
from benchbench_backbones.load_errors import first_line
from benchbench_backbones.quantization import fused_experts

LEAST_BYTES = 64 * 2**20
"""A smaller checkpoint is quantised about as fast as its model would be looked for and checked."""
MOST_BYTES = 64 * 2**30
"""The most bytes of quantised models that a cache folder keeps."""
KIND = "quantized"
SHARD = "1GB"
"""The size of a file: so much memory is taken twice while it is written."""
ORIGIN = "origin.json"


def pays(checkpoint: Checkpoint, kind: str) -> bool:
    """Say whether a model is worth keeping; an encoder without a pooler could not be read back."""
    size = checkpoint.weight_bytes
    return kind == "causal-lm" and (size is None or size >= LEAST_BYTES)


def quantized_model(
    settings: Mapping[str, str], plain: Callable[[], Any], restore: Callable[[Path], Any]
) -> Any:
    """Return the model that `plain` makes, or made in another load for the same weights.

    `settings` are all that decides the model beside its weights. `restore` makes the model from
    what `save_pretrained` wrote into a folder. Outside of a cell, whose plan knows the content of
    the weights, and where there is no cache, the model is made anew. It is not kept where the
    weights have changed since the plan.
    """
    load = load_of_cell()
    if load is None or not is_enabled():
        return plain()
    key = {**load.key, **settings}
    if (found := find_files(KIND, key, lambda folder: _restored(folder, restore))) is not None:
        return found
    start = time.monotonic()
    model = plain()
    seconds = time.monotonic() - start
    # fused experts are still to be quantised: they would be kept whole
    if not fused_experts(model) and load.unchanged():
        size = sum(tensor.nbytes for tensor in model.state_dict().values())
        write = partial(_write, model)
        keep_files(KIND, key, write, size=size, most=MOST_BYTES, seconds=seconds)
    return model


def _write(model: Any, folder: Path) -> None:
    """Write a model as transformers does, and what that leaves out. Raises OSError alone."""
    try:
        model.save_pretrained(folder, max_shard_size=SHARD)
    except OSError:
        raise
    except Exception as error:  # safetensors has an error of its own for a full disk
        raise OSError(f"{type(error).__name__}: {first_line(error)}") from error
    origin = {
        "name": model.config._name_or_path,
        "commit": getattr(model.config, "_commit_hash", None),
    }
    (folder / ORIGIN).write_text(json.dumps(origin), encoding="utf-8")


def _restored(folder: Path, restore: Callable[[Path], Any]) -> Any:
    """Return a model with what `save_pretrained` leaves out."""
    model = restore(folder)
    origin = json.loads((folder / ORIGIN).read_text(encoding="utf-8"))
    model.config._name_or_path = model.name_or_path = origin["name"]
    model.config._commit_hash = origin["commit"]
    return model
