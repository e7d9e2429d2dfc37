"""Methods that turn a language model into a text classifier."""

from __future__ import annotations

from collections.abc import Iterable

from benchbench import Method, hookimpl
from benchbench_finetune.embedding_head import EmbeddingHead
from benchbench_finetune.encoder import Encoder
from benchbench_finetune.frozen_embedding import FrozenEmbedding
from benchbench_finetune.instruction import Instruction
from benchbench_finetune.zero_shot import ZeroShot


@hookimpl
def benchbench_methods() -> Iterable[Method]:
    """Supply the methods of this folder."""
    return [EmbeddingHead(), Instruction(), FrozenEmbedding(), ZeroShot(), Encoder()]
