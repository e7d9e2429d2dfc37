"""The frozen part of a training: computed once per row of tokens, and kept in a file.

    row of tokens  ->  layers below the adapters  ->  states  ->  a file of the cache

All epochs read it, and so do trainings with other seeds or learning rates. What all rows begin with
is a row of its own, which is not repeated.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.kit.batching import pad, to_device
from benchbench.kit.cache import arithmetic, digest_of, is_enabled
from benchbench.kit.file_cache import cached_files
from benchbench.kit.frozen_layers import can_begin_at, frozen_count, states_below
from benchbench.kit.known_states import KnownStates, Row, know, name_of
from benchbench.kit.scoring import Beginning, option_of
from benchbench.kit.training.micro_batches import MicroBatches
from benchbench.kit.training.mixed_precision import autocast
from benchbench.kit.training.training_task import TrainingRows
from benchbench.machine import show_step, stage

if TYPE_CHECKING:
    from torch import Tensor

    from benchbench.contract import Json, LoadedModel

MOST_BYTES = 32 * 2**30
"""The most bytes of states that a cache folder keeps."""
FILE = "states.bin"
KEPT = "kept"
IN_EVERY_STEP = "computed in every step: {}"


@contextmanager
def frozen_states_known(
    loaded: LoadedModel, rows_of_training: Callable[[], TrainingRows], batch_size: int
) -> Iterator[Json]:
    """Let the model know the states of all rows of a training in the block.

    It does so where there are layers below the adapters, and a cache. The states are read from it,
    or computed with `batch_size` rows at once. Gives facts for the record: `frozen_layers`, the
    number of those layers, and `frozen_states`, "kept" or why they are not.
    """
    model = loaded.model
    frozen = frozen_count(model, model.benchbench_adapter.adapter_layers)
    training = rows_of_training() if frozen else TrainingRows()
    reason = _why_not(loaded, frozen, training)
    with ExitStack() as opened:
        if not reason:
            with stage("frozen_states"):
                known = _known(loaded, frozen, training, batch_size, opened)
            know(model, known)
            reason = KEPT if known is not None else IN_EVERY_STEP.format("the cache has no room")
        opened.callback(know, model, None)
        yield {"frozen_layers": frozen, "frozen_states": reason if frozen else None}


def _why_not(loaded: LoadedModel, frozen: int, training: TrainingRows) -> str:
    """Say why no states are kept; an empty text where they may be."""
    if not frozen:
        return "every layer is trained"
    if not is_enabled() or loaded.facts.get("origin") is None:
        return IN_EVERY_STEP.format("there is no cache")
    if not training.rows:
        return IN_EVERY_STEP.format(training.reason)
    if not can_begin_at(loaded.model, frozen):
        return IN_EVERY_STEP.format("the model does not take them")
    return ""


def _known(
    loaded: LoadedModel, frozen: int, training: TrainingRows, batch_size: int, opened: ExitStack
) -> KnownStates | None:
    """Return the states, computed now or before; None where the cache does not take them.

    Their file is closed with `opened`. It is not mapped into memory: what is mapped counts as
    memory of the process.
    """
    import torch

    common = training.common
    ordered = sorted(set(map(tuple, training.rows)), key=lambda row: (-len(row), row))
    beginning, rests = ordered[0][:common], [row[common:] for row in ordered]
    names = [name_of(beginning, rest) for rest in rests]
    lengths = [len(rest) for rest in rests]
    if common:
        names, lengths = [name_of((), beginning), *names], [common, *lengths]
    dtype, width = _kind_of_states(loaded, frozen)
    key = {
        "origin": loaded.facts["origin"],
        "arithmetic": arithmetic(),
        "frozen": frozen,
        "rows": digest_of(names),
        "common": common,
        "batch_size": batch_size,
        "dtype": str(dtype),
    }

    def make(folder: Path) -> None:
        with (folder / FILE).open("wb") as file:
            for row, states in enumerate(_computed(loaded, frozen, beginning, rests, batch_size)):
                file.write(states.contiguous().view(torch.uint8).numpy().data)
                show_step("frozen layers", row + 1, len(lengths))

    def read(folder: Path) -> KnownStates:
        file = opened.enter_context((folder / FILE).open("rb"))
        starts = accumulate(lengths, initial=0)
        places = zip(starts, lengths, strict=False)  # the last start is the end
        reader = partial(_read, file.fileno(), dtype, width)
        return KnownStates(reader, dict(zip(names, places, strict=True)), common)

    size = sum(lengths) * width * dtype.itemsize
    return cached_files("states", key, make, read, size=size, most=MOST_BYTES)


def _read(descriptor: int, dtype: Any, width: int, start: int, length: int) -> Tensor:
    """Return the states [length, width] of the tokens from `start` on."""
    import torch

    token = width * dtype.itemsize
    data, end = bytearray(), (start + length) * token
    while (at := start * token + len(data)) < end:  # a read may end early
        part = os.pread(descriptor, end - at, at)
        if not part:
            raise OSError(f"the file of states ends at byte {at}, and {end} were written")
        data += part
    return torch.frombuffer(data, dtype=dtype).view(length, width)


def _computed(
    loaded: LoadedModel, frozen: int, beginning: Row, rests: Sequence[Row], batch_size: int
) -> Iterator[Tensor]:
    """Yield the states [tokens, width] of the beginning and of the rows behind it, on the CPU.

    The rows are ordered from the longest to the shortest.
    """
    import torch

    model = loaded.model
    model.eval()
    with torch.no_grad(), autocast(loaded):
        before = None
        if beginning:
            yield _below(loaded, frozen, [beginning])[0]
            before = Beginning.read(model, beginning)
        lengths = [len(rest) for rest in rests]
        micro = MicroBatches()  # smaller where memory runs out

        def compute(batch: Sequence[int]) -> Tensor:
            return _below(loaded, frozen, [rests[row] for row in batch], before)

        for start in range(0, len(rests), batch_size):
            batch = range(start, min(start + batch_size, len(rests)))
            for part, states in micro.computed(batch, lengths, compute):
                yield from (row[: lengths[at]] for at, row in zip(part, states, strict=True))


def _below(
    loaded: LoadedModel, frozen: int, rows: Sequence[Row], before: Beginning | None = None
) -> Tensor:
    """Return the states [rows, longest, width] that enter the lowest adapted layer, on the CPU."""
    import torch

    device = loaded.facts["device"]
    ids = to_device(pad(rows, loaded.facts["pad_token_id"])[0], device)
    start = before.length if before is not None else 0
    positions = torch.arange(start, start + ids.shape[1], device=device).expand_as(ids)
    # rows are padded on the right, where no token of theirs sees the padding: no mask is needed
    return states_below(
        loaded.model, frozen, input_ids=ids, attention_mask=None, position_ids=positions,
        use_cache=False, **option_of(before),
    ).cpu()  # fmt: skip


def _kind_of_states(loaded: LoadedModel, frozen: int) -> tuple[Any, int]:
    """Return the dtype and the width of the states, as the states of one token have them."""
    import torch

    with torch.no_grad(), autocast(loaded):
        states = _below(loaded, frozen, [[0]])
    return states.dtype, states.shape[-1]
