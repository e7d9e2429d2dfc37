"""The random numbers of dropout: kept before a step, so that a repeated step draws them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class RandomState:
    """The state of PyTorch's generators, of the CPU and of the GPU in use where there is one."""

    cpu: Tensor
    cuda: Tensor | None

    @classmethod
    def now(cls, device: str) -> RandomState:
        """Return the state of the generators that a model on a device of this type draws from."""
        import torch

        return cls(torch.get_rng_state(), torch.cuda.get_rng_state() if device == "cuda" else None)

    def restore(self) -> None:
        """Let the generators go on from here."""
        import torch

        torch.set_rng_state(self.cpu)
        if self.cuda is not None:
            torch.cuda.set_rng_state(self.cuda)
