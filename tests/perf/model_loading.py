"""Print how long a quantised model takes to load, and its peak memory: as it is, and kept.

    BENCHBENCH_MODELS=FOLDER python tests/perf/model_loading.py [ROUNDS]

The model is SmolLM2-135M-Instruct. Each load has a process of its own; "made" is the load that also
writes the files. The ways take turns; the medians of the rounds are printed. A minute.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchbench.machine import wait_briefly

CHILD = """
import sys, time
from pathlib import Path
import torch, transformers, bitsandbytes
from transformers import AutoModelForCausalLM
from benchbench.kit import cache
from benchbench.machine import PeakMemory, Stopwatch, WatchedBackbone
from benchbench_backbones.pretrained_model import PretrainedModel

backbone = PretrainedModel.from_folder(Path(sys.argv[1]))
params = {parameter.name: parameter.default for parameter in backbone.parameters}
params["quantization"] = sys.argv[2]
weights = backbone.identity(params, offline=True)
watch, memory = Stopwatch(), PeakMemory()
with cache.enabled(Path(sys.argv[3]) if sys.argv[3] else None):
    WatchedBackbone(backbone, weights, "", watch).load(params, device="cpu", dtype="float32")
print(watch.seconds["load"], memory.peaks()["peak_ram_mib"])
"""


def main() -> None:
    """Load in turn, and print a line per way."""
    model = Path(os.environ["BENCHBENCH_MODELS"]).resolve() / "smollm2-135m-instruct"
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    wait_briefly()
    for quantization in ("nf4", "int8"):
        found: dict[str, list[tuple[float, float]]] = {"plain": [], "made": [], "kept": []}
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                for way, cache in (("plain", ""), ("made", folder), ("kept", folder)):
                    found[way].append(loaded(model, quantization, cache))
        for way, results in found.items():
            seconds, memory = (statistics.median(column) for column in zip(*results, strict=True))
            print(f"{quantization} {way}: {seconds:.2f} s, peak {memory:,.0f} MiB")


def loaded(model: Path, quantization: str, cache: str) -> tuple[float, float]:
    """Return the seconds of a load in a new process, and its peak memory in MiB."""
    command = [sys.executable, "-c", CHILD, str(model), quantization, cache]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory)


if __name__ == "__main__":
    main()
