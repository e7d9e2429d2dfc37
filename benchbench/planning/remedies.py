"""What would make a cell fit into a device that is too small for it, as settings of the cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchbench.contract import Shape, Workload
from benchbench.planning.memory_need import PROCESS_MIB, RESERVED_MIB, Machine, memory_bytes


@dataclass(frozen=True, slots=True)
class Remedy:
    """Settings that `--set` takes, the workload under them, and how the weights are held."""

    settings: tuple[str, ...]
    work: Workload
    quantization: str


def remedy(shape: Shape, work: Workload, quantization: str, machine: Machine) -> str:
    """Return settings under which a cell fits into the machine's memory, "" where there are none.

    Those come first that change no result: smaller pieces of a batch, and layers computed again.
    Each is only as strong as is needed. Weights in 4 bits come last.
    """
    if machine.memory_mib is None:
        return ""
    beside = PROCESS_MIB if machine.kind == "cpu" else 0
    room = (machine.memory_mib - RESERVED_MIB - beside) * 2**20
    for tried in _remedies(Remedy((), work, quantization)):
        if memory_bytes(shape, tried.work, tried.quantization, machine) <= room:
            return " ".join(f"--set {setting}" for setting in tried.settings)
    return ""


def _remedies(start: Remedy) -> Iterator[Remedy]:
    """Return more and more settings, the mildest first."""
    yield from _less_at_once(start)
    if start.quantization != "nf4" and start.work.trains != "everything":
        yield from _less_at_once(Remedy(("quantization=nf4",), start.work, "nf4"))


def _less_at_once(start: Remedy) -> Iterator[Remedy]:
    """Return smaller prediction batches, then also smaller training steps."""
    work = start.work
    for rows in _halves(work.eval_batch):
        smaller = replace(work, eval_batch=rows)
        settings = _changed("eval_batch_size", rows, work.eval_batch)
        yield Remedy((*start.settings, *settings), smaller, start.quantization)
    if work.trains == "nothing":
        return
    for recompute in dict.fromkeys((work.checkpointing, True)):
        again = () if recompute == work.checkpointing else ("gradient_checkpointing=true",)
        for rows in _halves(work.batch):
            tokens = rows * work.longest
            micro = _changed("micro_tokens", tokens, work.batch * work.longest)
            for read in _halves(work.eval_batch):
                evaluated = _changed("eval_batch_size", read, work.eval_batch)
                smaller = replace(
                    work, checkpointing=recompute, micro_tokens=tokens, eval_batch=read
                )
                settings = (*start.settings, *again, *micro, *evaluated)
                yield Remedy(settings, smaller, start.quantization)


def _changed(name: str, value: int, before: int) -> tuple[str, ...]:
    return () if value == before else (f"{name}={value}",)


def _halves(count: int) -> Iterator[int]:
    """Return the count, its half and so on, down to 1.

    >>> list(_halves(6))
    [6, 3, 1]
    """
    while count:
        yield count
        count //= 2
