"""The tokenizers of the miniatures: byte-level BPE, trained on the pretraining text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchbench_demo.architectures import CONTEXT, VOCABULARY, Architecture

CAUSAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
MASKED = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]",
          "eos_token": "[SEP]"}  # fmt: skip
SAMPLE = 5000
"""How many texts the tokenizer is trained on."""


def build_tokenizer(architecture: Architecture, texts: Sequence[str]) -> Any:
    """Return a tokenizer trained on `texts`, with the special tokens of the architecture's kind."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = CAUSAL if architecture.kind == "causal-lm" else MASKED
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(dict.fromkeys(special.values())),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts[:SAMPLE], trainer)
    if architecture.starts:
        start, end = ("<s>", "") if architecture.kind == "causal-lm" else ("[CLS]", "[SEP]")
        special_ids = [(token, tokenizer.token_to_id(token)) for token in (start, end) if token]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{start} $A {end}".strip(), special_tokens=special_ids
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
        **special,
    )
