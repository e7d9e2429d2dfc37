"""A head on pooled states, exported: with an adapter, with merged weights, or with an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchbench import Exported, ExportTarget, Kind, LabelSpace
from benchbench.kit.artifacts import save_tensors
from benchbench.kit.batching import framing_tokens
from benchbench_finetune.base_export import (
    export_base,
    export_whole,
    finish,
    name_labels,
    reading,
)
from benchbench_finetune.embedder import DocumentEmbedder

if TYPE_CHECKING:
    from torch import Tensor

WITH_TANH = {"bert": "bert", "camembert": "roberta", "roberta": "roberta", "xlm-roberta": "roberta"}
"""The encoders whose classifiers in transformers are tanh(V h + c), and a linear layer on it."""
SHRUNK = 2.0**-12
"""tanh(h / 4096) is h / 4096 but for 1e-5 of it where h is below 22."""
AGREES = (
    "The classifier of this architecture in transformers has a layer with tanh below its last one. "
    "Its weights are those of x -> x / 4096, and the last layer takes that back."
)


def export_head(
    embedder: DocumentEmbedder, head: Mapping[str, Tensor], labels: LabelSpace, target: ExportTarget
) -> Exported:
    """Write a head and the causal LM or the frozen model below it. Raises BenchbenchError."""
    save_tensors(target.folder, "head", head)
    model = export_base(embedder.loaded, target, "AutoModel")
    return _finish(embedder, len(labels), target, model)


def export_encoder(
    embedder: DocumentEmbedder, head: Mapping[str, Tensor], labels: LabelSpace, kind: Kind,
    target: ExportTarget,
) -> Exported:  # fmt: skip
    """Write an encoder that was trained as a whole, and its head.

    Where its classifier in transformers can compute the same, it is written as that.
    """
    name_labels(embedder.loaded.model.config, labels, kind)
    family = WITH_TANH.get(embedder.loaded.model.config.model_type)
    if family is None or embedder.pooling != "first" or set(head) != {"0.weight", "0.bias"}:
        save_tensors(target.folder, "head", head)
        model = export_whole(embedder.loaded, target.folder)
        return _finish(embedder, len(labels), target, model)
    whole = _sequence_classifier(embedder.loaded.model, family, head)
    model = export_whole(replace(embedder.loaded, model=whole), target.folder)
    model["auto_class"] = "AutoModelForSequenceClassification"
    exported = _finish(embedder, len(labels), target, model)
    return replace(exported, notes=(*exported.notes, AGREES))


def _finish(
    embedder: DocumentEmbedder, labels: int, target: ExportTarget, model: Mapping[str, Any]
) -> Exported:  # fmt: skip
    """Write the scorer, and what it needs to know of the model and the documents."""
    tokenizer = embedder.loaded.tokenizer
    begin, end = framing_tokens(tokenizer)
    settings = {
        **model,
        **reading(embedder.loaded),
        "labels": labels,
        "pooling": embedder.pooling,
        "document_tokens": embedder.longest,
        "begin": begin,
        "end": end,
        "empty": [*begin, *end] or [tokenizer.eos_token_id or 0],
        "batch_size": 16,
    }
    return finish(target, embedder.loaded, "head_scorer", settings)


def _sequence_classifier(encoder: Any, family: str, head: Mapping[str, Tensor]) -> Any:
    """Return an encoder as `AutoModelForSequenceClassification` has it, with our head on it."""
    import torch
    from transformers import AutoModelForSequenceClassification

    whole = AutoModelForSequenceClassification.from_config(encoder.config).float().eval()
    whole.base_model.load_state_dict(encoder.state_dict(), strict=False)
    inner, last = {
        "bert": lambda: (whole.bert.pooler.dense, whole.classifier),
        "roberta": lambda: (whole.classifier.dense, whole.classifier.out_proj),
    }[family]()
    with torch.no_grad():
        inner.weight.copy_(torch.eye(len(inner.weight)) * SHRUNK)
        inner.bias.zero_()
        last.weight.copy_(head["0.weight"] / SHRUNK)
        last.bias.copy_(head["0.bias"])
    return whole
