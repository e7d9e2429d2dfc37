"""Real pretrained models, in the folder that the variable BENCHBENCH_MODELS names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "BENCHBENCH_MODELS"
SMOLLM2 = "smollm2-135m-instruct"
SMOLLM2_GGUF = "smollm2-135m-instruct.gguf"
MINILM = "all-minilm-l6-v2"


def real_model(name: str) -> Path:
    """Return the path of a real model; skip the test where it is not on this machine."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        pytest.skip(f"{VARIABLE} names no folder of real models")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"{path.name} is not in the folder that {VARIABLE} names")
    return path
