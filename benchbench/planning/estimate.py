"""Estimates the memory and the time of a cell from the model's shape and the method's workload.

The memory formula adds up what training keeps:

- the weights, and the largest matrix dequantised,
- the adapters with the two moments of AdamW,
- the activations.

Its constants follow from the code of the modules and are not measured on a GPU yet. The time is
the number of operations divided by a rate that is measured on this machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchbench.contract import Amount, Shape, Workload

NF4_BYTES = 0.5 + 0.127 / 8
"""Bytes per NF4 weight, with the double-quantised scale of its block (Dettmers et al., 2023)."""
BYTES = {"nf4": NF4_BYTES, "int8": 1.0}
COMPUTE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
ADAM_BYTES = 16
"""Bytes per trained weight in float32: the weight, its gradient and the two moments of AdamW."""
EFFICIENCY = 0.3
"""A whole model reaches this share of the rate of a bare matrix product (measured on a CPU)."""
PROCESS_MIB = 80
"""Memory of a cell's process on a CPU without its model (measured with miniatures)."""
RESERVED_MIB = 700
"""Memory of a GPU that CUDA itself and fragmentation take."""
CHECKPOINTED_FROM = 2e9
"""On a GPU, `gradient_checkpointing=auto` is on for models with at least so many parameters."""
DROPPED, PLACE_BYTES = 0.05, 8
"""The usual dropout of adapters, and the bytes that mark the place of one dropped number."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Peak memory in MiB, wall time in seconds, and the share of the time that training takes."""

    memory_mib: float
    seconds: float
    training_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Machine:
    """What computes: device kind, dtype, and floating-point operations per second."""

    kind: str
    dtype: str
    flops: float


def estimate(
    shape: Shape, work: Workload, amount: Amount, quantization: str, machine: Machine
) -> Estimate:
    """Return the estimated memory and time of training and predicting."""
    memory = memory_bytes(shape, work, quantization, machine) / 2**20
    memory += PROCESS_MIB if machine.kind == "cpu" else 0
    seconds = operations(shape, work, amount, machine) / machine.flops / EFFICIENCY
    return Estimate(memory, seconds, training_share(shape, work, amount, machine))


def memory_bytes(shape: Shape, work: Workload, quantization: str, machine: Machine) -> float:
    """Return the peak of one training step, or of one prediction batch if nothing is trained."""
    size = COMPUTE_BYTES[machine.dtype]
    whole = 4 if work.trains == "everything" else size
    weights = shape.linear_parameters * BYTES.get(quantization, whole)
    weights += shape.embedding_parameters * whole
    unpacked = size * shape.width * shape.inner if quantization in BYTES else 0
    logits = work.batch * work.supervised * shape.vocabulary * (size + 8)
    if work.trains == "nothing":
        activations = work.eval_batch * work.longest * (2 * shape.inner + 6 * shape.width) * size
        return weights + unpacked + activations
    trained = shape.parameters if work.trains == "everything" else adapter_parameters(shape, work)
    optimizer = trained * (ADAM_BYTES - 4 if work.trains == "everything" else ADAM_BYTES)
    layer = work.batch * work.longest * activation_bytes(shape, work, machine)
    if checkpointed(shape, work, machine):
        kept = shape.layers * work.batch * work.longest * shape.width * size + layer
    else:
        kept = shape.layers * layer
    return weights + unpacked + optimizer + kept + logits


def activation_bytes(shape: Shape, work: Workload, machine: Machine) -> float:
    """Return the bytes per token that a layer keeps for its backward pass.

    - Norms keep their input in float32.
    - Attention keeps its queries, keys, values (repeated for every head, because the padding mask
      needs it) and its result.
    - The MLP keeps what the backward pass of its activation needs.
    - In float32 on a CPU (`kit.training.lora_linear`), adapters keep each input once, the places
      of the dropped numbers, and one product of their rank per matrix.
    - Otherwise, adapters also keep each input after dropout, with a mask: one byte per number on
      a GPU, one number per number on a CPU.
    - If every weight is trained, each matrix keeps its input instead.
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
        kept_inputs = size * (2 * shape.width + queries + shape.inner + matrices * work.rank)
        return attention + norms + mlp + kept_inputs + PLACE_BYTES * DROPPED * inputs
    dropped = size + (1 if machine.kind == "cuda" else size)
    return attention + norms + mlp + dropped * inputs


def adapter_parameters(shape: Shape, work: Workload) -> int:
    """Count the weights of adapters with the workload's rank on every matrix of every layer."""
    queries, keys = shape.heads * shape.head_width, shape.key_heads * shape.head_width
    ends = 2 * (shape.width + queries) + 2 * (shape.width + keys)
    ends += (3 if shape.gated else 2) * (shape.width + shape.inner)
    return shape.layers * work.rank * ends


def checkpointed(shape: Shape, work: Workload, machine: Machine) -> bool:
    """Say whether activations are computed again. "auto" means: on a GPU, for large models."""
    if work.checkpointing == "auto":
        return machine.kind == "cuda" and shape.parameters >= CHECKPOINTED_FROM
    return bool(work.checkpointing)


def operations(shape: Shape, work: Workload, amount: Amount, machine: Machine) -> float:
    """Return the floating-point operations: 2 per weight and token forward, 2 per gradient.

    Frozen weights only need the gradient of their input. Validation is predicted after every
    epoch, and once more at the end, together with test.
    """
    counts = amount.documents
    again = 2 if checkpointed(shape, work, machine) else 0
    per_token = {"adapters": 4 + again, "everything": 6 + again, "nothing": 2}[work.trains]
    trained = work.epochs * counts["train"] * work.training_tokens * per_token
    read = (work.epochs + 1) * counts["validation"] + counts["test"]
    if work.trains == "nothing" and work.training_tokens:
        trained = counts["train"] * work.training_tokens * 2
    return (trained + read * work.prediction_tokens * 2) * shape.linear_parameters


def training_share(shape: Shape, work: Workload, amount: Amount, machine: Machine) -> float:
    """Return the share of the operations before the last predictions of validation and test."""
    documents = amount.documents["validation"] + amount.documents["test"]
    last = documents * work.prediction_tokens * 2 * shape.linear_parameters
    return 1 - last / max(last, operations(shape, work, amount, machine), 1.0)


def fits(estimated: Estimate, memory_mib: int | None) -> bool:
    """Say whether a GPU with `memory_mib` holds it. None means no GPU, or one of unknown size."""
    return memory_mib is None or estimated.memory_mib + RESERVED_MIB <= memory_mib
