"""Estimates the memory and the time of a cell from the model's shape and the method's workload.

The time is that of all passes over the model. A pass multiplies every weight with every token and
reads every weight once:

    GPU    seconds = max(operations / (rate x share), passes x bytes read / bandwidth,
                         passes x layers x time to start a layer)
    CPU    seconds = operations / (rate x share) + passes x bytes read / bandwidth

The rate is that of a bare matrix product, measured on this machine or taken from a data sheet; a
whole model reaches a share of it. Few tokens per pass, as in small batches, are bound by what is
read. Memory is in `memory_need`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from benchbench.contract import Amount, Shape, Workload
from benchbench.kit.training.frozen_states import MOST_BYTES
from benchbench.planning.memory_need import (
    BYTES,
    COMPUTE_BYTES,
    PROCESS_MIB,
    RESERVED_MIB,
    Machine,
    adapted,
    checkpointed,
    memory_bytes,
    rows_at_once,
)

HALF_WIDTH = 240
"""A model of this width spends as long on its matrices as on all else. Measured on CPUs: miniatures
of width 64 to 128 reach about 0.3 of the rate of a bare product, SmolLM2 of width 576 reaches 0.7
to 0.79."""
CPU_BANDWIDTH = 8e9
"""Bytes per second that a CPU takes to unpack weights and read them (measured with SmolLM2 in NF4:
a pass takes 0.11 s and as long again per 19 tokens, on one core of 94 GFLOP/s)."""
GPU_LAYER_SECONDS = 0.006
"""Seconds that Python takes to start the operations of a layer on a GPU, forward or backward.
Measured beside one H100 (`tests/perf/README.md`): 4.5 to 6.1 ms per layer and pass of a training
with the shape of Llama 3.2 1B, 3.6 to 5.7 ms of a prediction."""
PADDED = 1.1
"""A training step computes so many times the tokens of its documents (batches by length)."""
DORA_MATRICES = 4
"""DoRA writes and reads about so many matrices where other adapters do with one."""
PROBED = 32
"""The most validation documents that are predicted before and after a classifier is reloaded."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Peak memory in MiB, wall time in seconds, and the share of the time that training takes."""

    memory_mib: float
    seconds: float
    training_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Passes:
    """Passes over a model: how many, and the floating-point operations of all of them together."""

    count: float
    operations: float

    def __add__(self, other: Passes) -> Passes:
        """Return both together."""
        return Passes(self.count + other.count, self.operations + other.operations)

    def times(self, factor: float, part: float = 1.0) -> Passes:
        """Return so many times these, which went through only a part of the layers."""
        return Passes(factor * part * self.count, factor * self.operations)


def estimate(
    shape: Shape, work: Workload, amount: Amount, quantization: str, machine: Machine
) -> Estimate:
    """Return the estimated memory and time of training and predicting."""
    memory = memory_bytes(shape, work, quantization, machine) / 2**20
    memory += PROCESS_MIB if machine.kind == "cpu" else 0
    training, predicting = (
        seconds_of(passes, pass_bytes(shape, work, quantization, machine), shape, machine)
        for passes in (
            training_passes(shape, work, amount, machine),
            prediction_passes(shape, work, amount),
        )
    )
    total = training + predicting
    return Estimate(memory, total, training / total if total else 0.0)


def seconds_of(passes: Passes, moved: float, shape: Shape, machine: Machine) -> float:
    """Return how long passes take that move so many bytes each."""
    computing = passes.operations / (machine.flops * share_of_rate(shape, machine))
    if machine.kind == "cpu":
        return computing + passes.count * moved / CPU_BANDWIDTH
    starting = passes.count * shape.layers * GPU_LAYER_SECONDS
    reading = passes.count * moved / machine.bandwidth if machine.bandwidth else 0.0
    return max(computing, reading, starting)


def share_of_rate(shape: Shape, machine: Machine) -> float:
    """Return the share of the rate of a bare matrix product that a whole model reaches.

    The work on matrices grows with the square of the width, and all else with the width.
    """
    return machine.share or shape.width / (shape.width + HALF_WIDTH)


def pass_bytes(shape: Shape, work: Workload, quantization: str, machine: Machine) -> float:
    """Return the bytes of the weights that a pass moves.

    Packed weights are read, written unpacked, and read again.
    """
    size = COMPUTE_BYTES[machine.dtype]
    each = BYTES[quantization] + 2 * size if quantization in BYTES else size
    matrices = DORA_MATRICES if work.adapter == "dora" else 1
    return each * matrices * shape.linear_parameters


def training_passes(shape: Shape, work: Workload, amount: Amount, machine: Machine) -> Passes:
    """Return the passes before the last predictions: training, and validation after every epoch.

    A weight and token take 2 operations forward and 2 per gradient; frozen weights only need the
    gradient of their input. What is read once where nothing is trained counts as training.
    """
    documents, validated = amount.documents["train"], amount.documents["validation"]
    if work.trains == "nothing":
        return _passes(shape, work, documents, work.eval_batch, 2) if work.training_tokens else NONE
    again = 2 if checkpointed(shape, work, machine) else 0
    per_token = {"adapters": 4, "everything": 6}[work.trains] + again
    batch = rows_at_once(work, machine, work.training_tokens)
    top = adapted(shape, work)
    trained = _passes(top, work, documents, batch, per_token, passes=2 + again // 2)
    validation = _passes(top, work, validated, work.eval_batch, 2)
    learning = (trained + validation).times(work.epochs, top.layers / shape.layers)
    return learning + _frozen_passes(shape, work, documents + validated, machine)


def _frozen_passes(shape: Shape, work: Workload, documents: float, machine: Machine) -> Passes:
    """Return the passes over the layers below the adapters: once, if their states are kept."""
    layers = shape.layers - adapted(shape, work).layers
    if not layers:
        return NONE
    below = replace(shape, layers=layers)
    states = documents * work.training_tokens * shape.width * COMPUTE_BYTES[machine.dtype]
    work = replace(work, supervised=0)
    if work.redrawn or states > MOST_BYTES:
        passes = _passes(below, work, documents, work.eval_batch, 2)
        return passes.times(work.epochs, layers / shape.layers)
    tokens = documents * work.training_tokens + work.shared_tokens  # the beginning is one row more
    count = math.ceil(documents / work.eval_batch) + bool(work.shared_tokens)
    return Passes(count, 2 * tokens * below.linear_parameters).times(1, layers / shape.layers)


def prediction_passes(shape: Shape, work: Workload, amount: Amount) -> Passes:
    """Return the passes of the last predictions, and of those before and after the reload.

    What all documents begin with is read once per split.
    """
    validated = amount.documents["validation"]
    read = validated + amount.documents["test"] + 2 * min(PROBED, validated)
    per_document = work.prediction_tokens * 2 * shape.linear_parameters
    per_document += work.scored * 2 * shape.width * shape.vocabulary
    shared = 4 * work.shared_tokens * 2 * shape.linear_parameters
    passes = math.ceil(read / work.eval_batch) * (2 if work.branch_tokens else 1)
    return Passes(passes, read * per_document + shared)


def operations(shape: Shape, work: Workload, amount: Amount, machine: Machine) -> float:
    """Return all floating-point operations of a cell."""
    training = training_passes(shape, work, amount, machine)
    return (training + prediction_passes(shape, work, amount)).operations


def fits(estimated: Estimate, memory_mib: int | None) -> bool:
    """Say whether a GPU with `memory_mib` holds it. None means no GPU, or one of unknown size."""
    return memory_mib is None or estimated.memory_mib + RESERVED_MIB <= memory_mib


NONE = Passes(0.0, 0.0)


def _passes(
    shape: Shape, work: Workload, documents: float, batch: float, per_token: float, passes: int = 1
) -> Passes:
    """Return the passes over documents, so many at once.

    What documents begin with has passes of its own: one per step, however many parts that has. The
    output head has no gradient of its own, so that its weights cost at most 4 operations.
    """
    parts = math.ceil(documents / batch)
    steps = math.ceil(documents / max(batch, work.batch)) if work.shared_tokens else 0
    tokens = PADDED * documents * work.training_tokens + steps * work.shared_tokens
    head = min(4.0, per_token) * documents * work.supervised * shape.width * shape.vocabulary
    count = (parts + steps) * passes
    return Passes(count, tokens * per_token * shape.linear_parameters + head)
