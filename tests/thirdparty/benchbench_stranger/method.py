"""Assign a document to the class whose mean embedding is nearest."""

import json

import numpy as np

from benchbench import Parameter, TrainingFacts
from benchbench.kit import batching, pooling


class Centres:
    hard = False

    def __init__(self, loaded, how, centres):
        self.loaded, self.how, self.centres = loaded, how, centres
        said = TrainingFacts("nothing: means of embeddings").to_json()
        self.facts = {"trainable_parameters": 0, "training": said, **loaded.facts}

    def predict_logits(self, texts):
        features = embed(self.loaded, texts, self.how)
        return -np.square(features[:, None] - self.centres).sum(axis=-1).astype(np.float32)

    def save(self, folder):
        np.save(folder / "centres.npy", self.centres)
        (folder / "settings.json").write_text(json.dumps({"pooling": self.how}))


class NearestCentre:
    name = "nearest-centre"
    description = "Nearest class centre of pooled embeddings; nothing is trained"
    parameters = (Parameter("pooling", str, "mean", "how", choices=("mean", "last", "max")),)
    kinds = ("single-label",)
    backbone_kinds = ("causal-lm",)
    seeded = False

    def fit(self, task):
        loaded, how = task.backbone.load(), task.params["pooling"]
        features, labels = embed(loaded, task.train["text"], how), np.array(task.train["main"])
        centres = [features[labels == label].mean(axis=0) for label in range(len(task.labels))]
        return Centres(loaded, how, np.stack(centres))

    def load(self, folder, backbone):
        how = json.loads((folder / "settings.json").read_text())["pooling"]
        return Centres(backbone.load(), how, np.load(folder / "centres.npy"))


def embed(loaded, texts, how, tokens=128):
    import torch

    documents, _ = batching.tokenize_documents(loaded.tokenizer, list(texts), tokens)
    pieces = []
    for first in range(0, len(documents), 32):
        ids, mask = batching.pad(documents[first : first + 32], loaded.facts["pad_token_id"])
        with torch.no_grad():
            hidden = loaded.model.model(input_ids=ids, attention_mask=mask).last_hidden_state
        pieces.append(pooling.pool(hidden, mask, how).numpy())
    return np.concatenate(pieces)
