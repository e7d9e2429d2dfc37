"""How much memory the forward pass of a training step keeps for its backward pass.

    kept        every layer keeps what its gradients need: layers x tokens x bytes of a layer
    recomputed  every layer keeps its input; one layer at a time is computed again, and kept

`benchbench plan` and the training itself ask the same question here: whether what is kept fits.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchbench.contract import Shape

DROPPED, PLACE_BYTES = 0.05, 8
"""The usual dropout of adapters, and the bytes that mark the place of one dropped number."""


@dataclass(frozen=True, slots=True)
class LayerTraining:
    """How the layers of a model are trained.

    `size` is the number of bytes of a number in the dtype of computing, and `rank` that of the
    adapters; 0: every weight is trained. `fused` says whether adapters are computed by
    `lora_linear`, and `dora` whether their rows are scaled to a trained length. `dropout_bytes`
    is the size of an element of a dropout mask of PyTorch's own.
    """

    size: int
    rank: int = 0
    fused: bool = True
    dora: bool = False
    dropout_bytes: int = 1


def layer_bytes(shape: Shape, training: LayerTraining) -> float:
    """Return the bytes per token that a layer keeps for its backward pass.

    - Norms keep their input in float32.
    - Attention keeps its queries, keys, values (repeated for every head) and its result.
    - The MLP keeps what the backward pass of its activation needs.
    - Fused adapters keep each input once, the places of the dropped numbers, and one product of
      their rank per matrix.
    - Others also keep each input after dropout, with a mask.
    - DoRA also keeps two results of each matrix: before and after its rows are scaled.
    - If every weight is trained, each matrix keeps its input instead.
    """
    size, queries = training.size, shape.heads * shape.head_width
    attention = size * 4 * queries
    norms = 2 * 4 * shape.width
    mlp = size * shape.inner * (3 if shape.gated else 1)
    shared = attention + norms + mlp
    if not training.rank:
        return shared + 2 * 2 * size * shape.width + size * shape.inner
    matrices = 7 if shape.gated else 6
    inputs = (matrices - 2) * shape.width + queries + shape.inner
    if training.fused and not training.dora:
        distinct = 2 * shape.width + queries + shape.inner
        kept = size * (distinct + matrices * training.rank)
        return shared + kept + PLACE_BYTES * DROPPED * inputs
    results = shape.width + (matrices - 5) * shape.inner + shape.width
    results += queries + 2 * shape.key_heads * shape.head_width
    scaled = 2 * size * results if training.dora else 0
    return shared + (size + training.dropout_bytes) * inputs + scaled


def kept_bytes(shape: Shape, training: LayerTraining, tokens: float, *, recomputed: bool) -> float:
    """Return the bytes that a step over `tokens` keeps, if layers are computed again or not.

    DoRA also keeps every frozen matrix unpacked.
    """
    layer = tokens * layer_bytes(shape, training)
    if training.dora:
        layer += training.size * shape.linear_parameters / shape.layers
    if recomputed:
        return shape.layers * tokens * shape.width * training.size + layer
    return shape.layers * layer


def must_recompute(shape: Shape, training: LayerTraining, tokens: float, free: float) -> bool:
    """Say whether layers must be computed again so that a step fits into `free` bytes.

    `free` is what the device has beside the weights, the optimizer and a reserve.

    >>> shape = Shape(32, 4096, 14_336, 32, 8, 128, 128_256)
    >>> training = LayerTraining(size=2, rank=16)
    >>> [must_recompute(shape, training, 8 * 512, free * 2**30) for free in (16, 64)]
    [True, False]
    """
    return kept_bytes(shape, training, tokens, recomputed=False) > free
