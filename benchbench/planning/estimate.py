"""What a cell will need, from a model's shape and a method's work: memory and time, roughly.

The memory formula adds up what training keeps: weights, adapters with AdamW's two moments,
activations, the largest matrix dequantised. Its constants follow from the modules' code and are
not measured on a GPU yet; the time is the arithmetic over a rate measured here.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchbench.contract import Amount, Shape, Workload

NF4_BYTES = 0.5 + 0.127 / 8
"""A weight in NF4, with the double-quantised scale of its block (Dettmers et al., 2023)."""
BYTES = {"nf4": NF4_BYTES, "int8": 1.0}
COMPUTE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
ADAM_BYTES = 16
"""A trained float32 weight, its gradient and AdamW's two moments."""
EFFICIENCY = 0.3
"""The share of a bare matrix product's rate that a whole model reaches, seen on a CPU."""
PROCESS_MIB = 80
"""What a cell's own process takes on a CPU beside its model, seen on miniatures."""
RESERVED_MIB = 700
"""What CUDA itself and fragments of its memory take of a card."""
CHECKPOINTED_FROM = 2e9
"""Parameters from which `gradient_checkpointing=auto` is on, on a GPU."""
DROPPED, PLACE_BYTES = 0.05, 8
"""The usual share that adapters drop, and the bytes of a place of it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Peak memory in MiB and wall time in seconds."""

    memory_mib: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Machine:
    """What computes: its kind, the dtype, and floating-point operations a second."""

    kind: str
    dtype: str
    flops: float


def estimate(
    shape: Shape, work: Workload, amount: Amount, quantization: str, machine: Machine
) -> Estimate:
    """Return what training and predicting will need."""
    memory = memory_bytes(shape, work, quantization, machine) / 2**20
    memory += PROCESS_MIB if machine.kind == "cpu" else 0
    return Estimate(memory, operations(shape, work, amount, machine) / machine.flops / EFFICIENCY)


def memory_bytes(shape: Shape, work: Workload, quantization: str, machine: Machine) -> float:
    """Return the peak of one training step, or of a prediction batch where nothing is trained."""
    size = COMPUTE_BYTES[machine.dtype]
    whole = 4 if work.trains == "everything" else size
    weights = shape.linear_parameters * BYTES.get(quantization, whole)
    weights += shape.embedding_parameters * whole
    unpacked = size * shape.width * shape.inner if quantization in BYTES else 0
    logits = work.batch * work.supervised * shape.vocabulary * (size + 8)
    if work.trains == "nothing":
        passing = work.eval_batch * work.longest * (2 * shape.inner + 6 * shape.width) * size
        return weights + unpacked + passing
    trained = shape.parameters if work.trains == "everything" else adapter_parameters(shape, work)
    more = trained * (ADAM_BYTES - 4 if work.trains == "everything" else ADAM_BYTES)
    layer = work.batch * work.longest * activation_bytes(shape, work, machine)
    if checkpointed(shape, work, machine):
        kept = shape.layers * work.batch * work.longest * shape.width * size + layer
    else:
        kept = shape.layers * layer
    return weights + unpacked + more + kept + logits


def activation_bytes(shape: Shape, work: Workload, machine: Machine) -> float:
    """Return the bytes that a layer keeps of a token until its gradient is there.

    Norms keep their input in float32; attention its queries, keys, values (repeated for every
    head, as a mask of padding asks for) and its result; the MLP what its activation goes by. In
    float32 on a CPU (`kit.lora_linear`) adapters keep each input once, the places of what was
    dropped, and what they make of their rank; else the input that they dropped out of as well,
    and a byte or a number for each of its numbers. Where every weight is trained, each matrix
    keeps its input instead.
    """
    size = COMPUTE_BYTES[machine.dtype]
    queries = shape.heads * shape.head_width
    attention = size * 4 * queries
    norms = 2 * 4 * shape.width
    mlp = size * shape.inner * (3 if shape.gated else 1)
    if work.trains == "everything":
        return attention + norms + 2 * 2 * size * shape.width + mlp + size * shape.inner
    matrices = 7 if shape.gated else 6
    inputs = (matrices - 2) * shape.width + queries + shape.inner
    if (machine.kind, machine.dtype) == ("cpu", "float32"):
        once = size * (2 * shape.width + queries + shape.inner + matrices * work.rank)
        return attention + norms + mlp + once + PLACE_BYTES * DROPPED * inputs
    dropped = size + (1 if machine.kind == "cuda" else size)
    return attention + norms + mlp + dropped * inputs


def adapter_parameters(shape: Shape, work: Workload) -> int:
    """Count the weights of adapters of the workload's rank on every matrix of every layer."""
    queries, keys = shape.heads * shape.head_width, shape.key_heads * shape.head_width
    ends = 2 * (shape.width + queries) + 2 * (shape.width + keys)
    ends += (3 if shape.gated else 2) * (shape.width + shape.inner)
    return shape.layers * work.rank * ends


def checkpointed(shape: Shape, work: Workload, machine: Machine) -> bool:
    """Say whether activations are computed again; auto: on a GPU, for large models."""
    if work.checkpointing == "auto":
        return machine.kind == "cuda" and shape.parameters >= CHECKPOINTED_FROM
    return bool(work.checkpointing)


def operations(shape: Shape, work: Workload, amount: Amount, machine: Machine) -> float:
    """Return the floating-point operations: 2 a weight and token forward, as many a gradient.

    Frozen weights need the gradient of their input alone; validation is predicted after every
    epoch, and once more with test at the end.
    """
    counts = amount.documents
    again = 2 if checkpointed(shape, work, machine) else 0
    a_token = {"adapters": 4 + again, "everything": 6 + again, "nothing": 2}[work.trains]
    trained = work.epochs * counts["train"] * work.training_tokens * a_token
    read = (work.epochs + 1) * counts["validation"] + counts["test"]
    if work.trains == "nothing" and work.training_tokens:
        trained = counts["train"] * work.training_tokens * 2
    return (trained + read * work.prediction_tokens * 2) * shape.linear_parameters


def fits(estimated: Estimate, memory_mib: int | None) -> bool:
    """Say whether a card of so much memory holds it; None is no card, or one of unknown size."""
    return memory_mib is None or estimated.memory_mib + RESERVED_MIB <= memory_mib
