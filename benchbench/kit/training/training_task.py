"""What a training trains, on what, and by which measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from torch import Tensor, nn

Batch = TypeVar("Batch", bound=Sequence[Any])
Batch_contra = TypeVar("Batch_contra", bound=Sequence[Any], contravariant=True)


class SharedWork(Protocol[Batch_contra]):
    """What the slices of a batch share, computed once for all of them."""

    def loss(self, batch: Batch_contra, /) -> Tensor:
        """Return the loss of a slice. Its gradients go as far as what is shared."""
        ...

    def backward(self) -> None:
        """Pass the gradients of all slices on, through what is shared."""
        ...


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Rows of token ids that every epoch reads; all of them begin with the same `common` tokens.

    `reason` says why there are none.
    """

    rows: Sequence[Sequence[int]] = ()
    common: int = 0
    reason: str = "this training does not name its rows"


@dataclass(frozen=True, slots=True)
class TrainingTask(Generic[Batch]):
    """What `train` trains, on what, and by which measure.

    - `modules` hold all weights that are trained.
    - `groups` are parameters that must be trainable and must change in the first step.
    - `batches(epoch)` returns the batches of an epoch, as many in every epoch. The `len` of a
      batch is its number of documents.
    - `loss(batch)` returns the mean over the documents of a batch, or of a slice of one.
    - `lengths(batch)` returns how many tokens are computed for each of its documents, without
      padding and without what is computed once for all of them.
    - `shared(batch)` computes what the slices of a batch share; None where that is nothing.
    - `validate()` returns the validation loss, the lower the better. It is called with the
      modules in eval mode and without gradients.
    - `scaled` says whether the loss is scaled, which float16 needs.
    - `rows()` returns the rows of tokens that every epoch and every validation read.
    """

    modules: Sequence[nn.Module]
    groups: Mapping[str, Sequence[nn.Parameter]]
    batches: Callable[[int], Sequence[Batch]]
    loss: Callable[[Batch], Tensor]
    lengths: Callable[[Batch], Sequence[int]]
    validate: Callable[[], float]
    scaled: bool = False
    shared: Callable[[Batch], SharedWork[Batch] | None] = lambda batch: None
    rows: Callable[[], TrainingRows] = TrainingRows

    def parameters(self) -> list[nn.Parameter]:
        """Return all trained parameters, none of them twice."""
        trained = {id(p): p for m in self.modules for p in m.parameters() if p.requires_grad}
        return list(trained.values())

    def mode(self, training: bool) -> None:
        """Put every module in training mode or in eval mode."""
        for module in self.modules:
            module.train(training)
