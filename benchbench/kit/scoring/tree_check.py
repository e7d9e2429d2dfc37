"""Whether a token tree gives the plain scores of a model: measured once, on one prompt.

    float32       tree against plain          at most 1e-3
    16 bits       tree against plain          at most 6 times plain against plain,
                  and the same in float32     at most 1e-3

In 16 bits, even plain scores depend on the batch they are read in. Those of SmolLM2-135M in
bfloat16 differ by 0.15 to 0.45 nats, and tree and plain scores are equally far from the float32
ones (0.23 and 0.24 nats, root mean square). Such rounding is no fault, and it would hide one. So
16-bit scores are held to the noise of plain ones, and float32 decides whether the tree is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchbench.contract import GuardError
from benchbench.kit.float32_model import in_float32
from benchbench.kit.scoring.beginning import Beginning, takes_beginning
from benchbench.kit.scoring.cached_prompts import CachedPrompts
from benchbench.kit.scoring.plain_scoring import plain_scores
from benchbench.kit.scoring.tree_scoring import chain_scores
from benchbench.kit.scoring.trie import TokenTrie
from benchbench.machine import is_device_error, one_line

if TYPE_CHECKING:
    from torch import Tensor

EXACT = 1e-3
"""The most that tree and plain scores may differ by in float32, in nats."""
NOISES = 6.0
"""The most that they may differ by in 16 bits, in multiples of the noise of plain scores."""
LEAST_NOISE = 0.01
"""A smaller noise than this, in nats, counts as this much: few scores show little of it."""
NOT_TAKEN = (GuardError, AttributeError, LookupError, TypeError, ValueError, RuntimeError)
"""What a model raises that cannot take a mask of four dimensions, or keeps no keys and values."""
COMPARED = 8
"""The most continuations that are compared, spread over the trie."""


@dataclass(frozen=True, slots=True)
class TreeCheck:
    """What the comparison of tree and plain scores found, in nats; None where not measured.

    `difference` is the largest between tree and plain, `noise` the largest between plain scores
    read together and one by one, `float32_difference` that of a 16-bit model in float32. `reason`
    says why the tree cannot be used; it is empty where it can.
    """

    difference: float | None = None
    noise: float | None = None
    float32_difference: float | None = None
    reason: str = ""

    def facts(self) -> Mapping[str, Any]:
        """Return what the record says of the comparison."""
        return asdict(self)


def check_tree(model: Any, prompt: Sequence[int], trie: TokenTrie, pad_id: int) -> TreeCheck:
    """Compare tree and plain scores of a model after one prompt. Raises errors of the device."""
    import torch

    narrow = model.get_input_embeddings().weight.dtype != torch.float32
    case = _Case(model, prompt, trie, pad_id)
    with _as_in_prediction(model):
        try:
            plain = case.plain()
            difference = case.difference(plain)
            noise = case.noise(plain) if narrow else None
            with in_float32(model) as converted:
                wide = case.difference(case.plain()) if narrow and converted else None
        except (
            GuardError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
            RuntimeError,
        ) as error:
            if is_device_error(error):
                raise
            return TreeCheck(reason=f"the model does not take a token tree ({one_line(error)})")
    return _judged(difference, noise, wide)


def _judged(difference: float, noise: float | None, wide: float | None) -> TreeCheck:
    """Return the finding with its reason. NaN fails every comparison and so is refused."""
    if wide is not None and not wide <= EXACT:
        reason = f"tree and plain scores differ by {wide:.2g} nats in float32"
    elif noise is None and not difference <= EXACT:
        reason = f"tree and plain scores differ by {difference:.2g} nats"
    elif noise is not None and not difference <= NOISES * max(noise, LEAST_NOISE):
        reason = (
            f"tree and plain scores differ by {difference:.2g} nats, plain scores among "
            f"themselves by {noise:.2g}"
        )
    else:
        reason = ""
    return TreeCheck(_finite(difference), _finite(noise), _finite(wide), reason)


def _finite(value: float | None) -> float | None:
    """Return None for what no record can hold."""
    return value if value is not None and abs(value) < float("inf") else None


@dataclass(frozen=True, slots=True)
class _Case:
    """One prompt, its second half so that padding is tried too, and some continuations."""

    model: Any
    prompt: Sequence[int]
    trie: TokenTrie
    pad_id: int

    @property
    def step(self) -> int:
        return -(-len(self.trie.continuations) // COMPARED)

    @property
    def some(self) -> TokenTrie:
        return TokenTrie.build(self.trie.continuations[:: self.step])

    @property
    def prompts(self) -> list[Sequence[int]]:
        return [self.prompt, self.prompt[len(self.prompt) // 2 :]]

    def plain(self) -> Tensor:
        return plain_scores(self.model, self.prompts, self.some, self.pad_id)

    def difference(self, plain: Tensor) -> float:
        """Return the largest difference between plain scores and those of the ways of a tree.

        Continuations are read after the whole prompt, after a prompt that is read in two pieces,
        and as training reads them.
        """
        import torch

        scores = [self._after(CachedPrompts.of(self.model, self.prompts, self.pad_id))]
        if len(self.prompt) > 3 and takes_beginning(self.model):
            start = Beginning.read(self.model, self.prompt[:2])
            rest = self.prompt[2:]
            shared = self._after(CachedPrompts.of(self.model, [rest, rest], self.pad_id, start))
            scores += [torch.stack([row, plain[1]]) for row in shared]
        if len(self.prompt) > 3:
            begun = CachedPrompts.of(self.model, [self.prompt[:2]], self.pad_id)
            twice = self._after(begun.followed_by([0, 0], [self.prompt[2:], self.prompt[2:]]))
            scores += [torch.stack([row, plain[1]]) for row in twice]
        scores.append(torch.stack([self._trained(), plain[1]]))
        return max(_largest(score - plain) for score in scores)

    def noise(self, plain: Tensor) -> float:
        """Return the largest difference between plain scores read together and one by one."""
        import torch

        alone = [
            plain_scores(self.model, [prompt], TokenTrie.build([item]), self.pad_id)[0]
            for prompt in self.prompts
            for item in self.some.continuations
        ]
        return _largest(torch.cat(alone) - plain.flatten())

    def _after(self, prompts: CachedPrompts) -> Tensor:
        return prompts.scores(self.trie)[:, :: self.step]

    def _trained(self) -> Tensor:
        some = self.some.continuations
        rows = [(*self.prompt, *item.context) for item in some]
        return chain_scores(self.model, rows, [item.answer for item in some], self.pad_id)


def _largest(difference: Tensor) -> float:
    return float(difference.abs().max())


@contextmanager
def _as_in_prediction(model: Any) -> Iterator[None]:
    """Switch off gradients, and dropout, which would make any two passes differ."""
    import torch

    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)
