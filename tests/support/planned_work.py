"""A machine of each kind, and work for it: what the tests of plans share."""

from __future__ import annotations

from benchbench_backbones.shapes import SHAPES

from benchbench import Amount, Workload
from benchbench.planning.memory_need import Machine

CPU = Machine("cpu", "float32", 1e11)
GPU = Machine("cuda", "bfloat16", 4e14)
ADAPTERS = Workload("adapters", 512, 300, 300, 3, 8, 32, rank=16)
AMOUNT = Amount("single-label", {"train": 1000, "validation": 100, "test": 200}, 1200.0, 5)
EIGHT = SHAPES["llama-3.1-8b"]
SMOLLM2 = SHAPES["smollm2-135m-instruct"]
