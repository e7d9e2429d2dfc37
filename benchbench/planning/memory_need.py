"""The peak memory of a cell: that of its largest training step, or of its largest prediction batch.

    training      weights, one matrix unpacked, adapters with AdamW, what layers keep, logits
    prediction    weights, one matrix unpacked, adapters, keys and values, one layer, logits

The constants follow from the code of the modules. Those of a CPU are measured with SmolLM2-135M
(`tests/perf/plan_accuracy.py`). Beside one H100, plans were 0.89 to 1.21 of the peaks that
`tests/perf/gpu_training.py` saw; no constant was fitted to them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from benchbench.contract import Shape, Workload
from benchbench.kit.training import LayerTraining, kept_bytes, must_recompute
from benchbench.kit.training.lora_linear import DENSE_BYTES
from benchbench.kit.training.micro_batches import auto_micro_tokens
from benchbench.kit.training.training_plan import CHECKPOINTED_FROM, RESERVED_BYTES

NF4_BYTES = 0.5 + 0.127 / 8
"""Bytes per NF4 weight, with the double-quantised scale of its block (Dettmers et al., 2023)."""
WHOLE_SCALE_BYTES = 3 / 64
"""Bytes per NF4 weight more where the scale of a block of 64 is kept in float32, as on a GPU."""
BYTES = {"nf4": NF4_BYTES, "int8": 1.0}
COMPUTE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
ADAM_BYTES = 16
"""Bytes per trained weight in float32: the weight, its gradient and the two moments of AdamW."""
BEST_BYTES = 4
"""Bytes per trained weight of the copy that is kept of the best epoch, in main memory."""
RESERVED_MIB = RESERVED_BYTES >> 20
"""Memory of a GPU that CUDA itself and fragmentation take."""
PROCESS_MIB = 80
"""Memory of a cell's process on a CPU without its model (measured with miniatures)."""
HEAP = 1.25
"""On a CPU, what layers keep takes this many times its bytes (measured): the heap has gaps."""
LOADED_BYTES = 2
"""On a CPU, loading leaves so many bytes per parameter behind (measured): its file's, and gaps."""
LOGIT_BYTES = 8
"""Bytes per logit in training, beside the logit itself: its float32 form and its gradient."""
STATES_AT_ONCE = 256
"""About so many states go through the output head at once in prediction."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What computes: device kind, dtype, and floating-point operations per second.

    `memory_mib` is the memory of the device in MiB and `bandwidth` its bytes per second, each
    None where it is not known. `share` is the part of `flops` that a whole model reaches, None
    where that follows from the model's width.
    """

    kind: str
    dtype: str
    flops: float
    memory_mib: int | None = None
    bandwidth: float | None = None
    share: float | None = None


def memory_bytes(shape: Shape, work: Workload, quantization: str, machine: Machine) -> float:
    """Return the peak of a training step or of a prediction batch, whichever is larger."""
    left = LOADED_BYTES * shape.parameters if machine.kind == "cpu" else 0
    predicting = left + _prediction_bytes(shape, work, quantization, machine)
    if work.trains == "nothing":
        return predicting
    recomputed = checkpointed(shape, work, machine, quantization)
    training = layer_training(work, quantization, machine)
    tokens = tokens_at_once(work, machine)
    kept = kept_bytes(adapted(shape, work), training, tokens, recomputed=recomputed)
    kept *= HEAP if machine.kind == "cpu" else 1
    return max(predicting, left + _before_layers(shape, work, quantization, machine) + kept)


def checkpointed(shape: Shape, work: Workload, machine: Machine, quantization: str = "nf4") -> bool:
    """Say whether activations are computed again.

    "auto" means: on a GPU, where a step would else not fit into its memory.
    """
    if work.checkpointing != "auto":
        return bool(work.checkpointing)
    if machine.kind != "cuda" or work.trains == "nothing":
        return False
    if machine.memory_mib is None:
        return shape.parameters >= CHECKPOINTED_FROM
    room = (machine.memory_mib - RESERVED_MIB) * 2**20
    free = room - _before_layers(shape, work, quantization, machine)
    training = layer_training(work, quantization, machine)
    return must_recompute(adapted(shape, work), training, tokens_at_once(work, machine), free)


def layer_training(work: Workload, quantization: str, machine: Machine) -> LayerTraining:
    """Return how a workload trains the layers on a machine."""
    return LayerTraining(
        COMPUTE_BYTES[machine.dtype],
        0 if work.trains == "everything" else work.rank,
        fused=quantization != "int8",
        dora=work.adapter == "dora",
        dropout_bytes=1 if machine.kind == "cuda" else COMPUTE_BYTES[machine.dtype],
    )


def adapted(shape: Shape, work: Workload) -> Shape:
    """Return the sizes of that part of the model which has adapters: its last layers, or all."""
    if isinstance(work.adapter_layers, str):
        return shape
    return replace(shape, layers=min(shape.layers, work.adapter_layers))


def rows_at_once(work: Workload, machine: Machine, tokens: float) -> float:
    """Return about how many documents of so many tokens a training step computes at once."""
    most = _micro_tokens(work, machine)
    return max(1.0, min(float(work.batch), most / max(1.0, tokens)))


def tokens_at_once(work: Workload, machine: Machine) -> float:
    """Return the most tokens that a training step computes at once, with padding."""
    return rows_at_once(work, machine, work.longest) * work.longest + work.shared_tokens


def _micro_tokens(work: Workload, machine: Machine) -> float:
    if work.micro_tokens == "auto":
        return auto_micro_tokens(machine.kind)
    return math.inf if work.micro_tokens is None else float(work.micro_tokens)


def adapter_parameters(shape: Shape, work: Workload) -> int:
    """Count the weights of adapters with the workload's rank on every matrix of its layers."""
    queries, keys = shape.heads * shape.head_width, shape.key_heads * shape.head_width
    ends = 2 * (shape.width + queries) + 2 * (shape.width + keys)
    ends += (3 if shape.gated else 2) * (shape.width + shape.inner)
    lengths = queries + 2 * keys + shape.width if work.adapter == "dora" else 0
    lengths += (2 if shape.gated else 1) * shape.inner + shape.width if lengths else 0
    return adapted(shape, work).layers * (work.rank * ends + lengths)


def _weights(shape: Shape, work: Workload, quantization: str, machine: Machine) -> float:
    """Return the bytes of the weights, and of those that are unpacked at a time."""
    size = COMPUTE_BYTES[machine.dtype]
    whole = 4 if work.trains == "everything" else size
    weights = shape.linear_parameters * BYTES.get(quantization, whole)
    weights += shape.embedding_parameters * whole
    if quantization not in BYTES:
        return weights
    dense = 4 * shape.linear_parameters  # which `lora_linear` keeps beside the packed weights
    if machine.kind == "cpu" and work.trains == "adapters" and dense <= DENSE_BYTES:
        return weights + dense
    if machine.kind == "cuda" and quantization == "nf4" and work.trains == "adapters":
        weights += WHOLE_SCALE_BYTES * shape.linear_parameters
    return weights + size * shape.width * shape.inner


def _trained(shape: Shape, work: Workload) -> int:
    if work.trains == "nothing":
        return 0
    return shape.parameters if work.trains == "everything" else adapter_parameters(shape, work)


def _before_layers(shape: Shape, work: Workload, quantization: str, machine: Machine) -> float:
    """Return what a training step takes beside what its layers keep."""
    size = COMPUTE_BYTES[machine.dtype]
    held = 4 if work.trains == "everything" else 0  # such weights are counted as weights
    bytes_each = ADAM_BYTES - held + (BEST_BYTES if machine.kind == "cpu" else 0)
    rows = rows_at_once(work, machine, work.longest)
    logits = rows * work.supervised * shape.vocabulary * (size + LOGIT_BYTES)
    weights = _weights(shape, work, quantization, machine)
    return weights + bytes_each * _trained(shape, work) + logits


def _prediction_bytes(shape: Shape, work: Workload, quantization: str, machine: Machine) -> float:
    """Return the peak of a prediction batch."""
    size, rows = COMPUTE_BYTES[machine.dtype], work.eval_batch
    trained = _trained(shape, work) if work.trains == "adapters" else 0
    weights = _weights(shape, work, quantization, machine) + 4 * trained
    tokens = max(rows * work.longest, work.shared_tokens, rows * work.branch_tokens)
    layer = tokens * (2 * shape.inner + 6 * shape.width) * size
    columns = rows * (work.longest + work.branch_tokens) + work.shared_tokens
    # every query head gets keys and values of its own while a layer attends to kept ones
    repeated = 2 * shape.heads * shape.head_width * columns * size if work.scored else 0
    kept = work.scored > 0 or work.shared_tokens > 0
    pairs = rows * work.longest + work.shared_tokens if kept else 0
    cache = 2 * shape.layers * shape.key_heads * shape.head_width * pairs * size
    logits = min(rows * work.scored, STATES_AT_ONCE) * shape.vocabulary * 2 * 4
    return weights + layer + repeated + cache + logits
