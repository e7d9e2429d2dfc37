"""Assign a document to the class whose mean embedding is nearest."""

import numpy as np

from benchbench import Parameter
from benchbench.kit import batching, pooling


class Centres:
    hard = False

    def __init__(self, loaded, centres):
        self.loaded, self.centres = loaded, centres
        self.facts = {"trainable_parameters": 0, **loaded.facts}

    def predict_logits(self, texts):
        features = embed(self.loaded, texts)
        return -np.square(features[:, None] - self.centres).sum(axis=-1).astype(np.float32)

    def save(self, folder):
        np.save(folder / "centres.npy", self.centres)


class NearestCentre:
    name = "nearest-centre"
    description = "Nearest class centre of mean-pooled embeddings; nothing is trained"
    parameters = (Parameter("pooling", str, "mean", "how", choices=("mean", "last", "max")),)
    kinds = ("single-label",)
    backbone_kinds = ("causal-lm",)
    seeded = False

    def fit(self, task):
        loaded = task.backbone.load()
        features, labels = embed(loaded, task.train["text"]), np.array(task.train["main"])
        centres = [features[labels == label].mean(axis=0) for label in range(len(task.labels))]
        return Centres(loaded, np.stack(centres))

    def load(self, folder, backbone):
        return Centres(backbone.load(), np.load(folder / "centres.npy"))


def embed(loaded, texts, tokens=128):
    import torch

    documents, _ = batching.tokenize_documents(loaded.tokenizer, list(texts), tokens)
    pieces = []
    for first in range(0, len(documents), 32):
        ids, mask = batching.pad(documents[first : first + 32], loaded.facts["pad_token_id"])
        with torch.no_grad():
            hidden = loaded.model.model(input_ids=ids, attention_mask=mask).last_hidden_state
        pieces.append(pooling.pool(hidden, mask, "mean").numpy())
    return np.concatenate(pieces)
