"""What every plugin must hold to, as checks that an author calls from a test of their own.

from benchbench.testing import check_method

def test_contract():
    check_method(MyMethod(), kind="single-label", backbone=my_bound_backbone)
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchbench.contract import (
    Backbone,
    BoundBackbone,
    Corpus,
    Dataset,
    Kind,
    Method,
    Parameter,
    Params,
    Task,
    Value,
    resolve,
)

WORDS = {"rain": "wet cloud puddle", "snow": "white cold frost", "sun": "bright hot dry"}
PROBES = 32


def check_dataset(dataset: Dataset, params: Params | None = None) -> Corpus:
    """Load a dataset twice and check all that the harness relies on; return the corpus.

    Raises AssertionError or LoaderError saying what does not hold: the declared kind, the
    rules of a corpus (`benchbench.kit.data.corpus_checks.check_corpus`), and that loading again
    gives the same documents.
    """
    from benchbench.kit.data import check_corpus, write_corpus

    values = settle(dataset.name, dataset.parameters, {"split_seed": 0, **(params or {})})
    assert dataset.source(values) == dataset.source(values), "source() changes from call to call"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = dataset.load(values, folder / "first")
        assert corpus.kind == dataset.kind(values), (
            f"kind() says {dataset.kind(values)}, load() gave {corpus.kind}"
        )
        check_corpus(corpus)
        again = dataset.load(values, folder / "second")
        same = write_corpus(corpus, folder / "a") == write_corpus(again, folder / "b")
        assert same, "loading twice gave different documents"
        return corpus


def check_method(
    method: Method,
    *,
    kind: Kind,
    backbone: BoundBackbone | None = None,
    params: Params | None = None,
) -> None:
    """Fit a method on a few generated documents and check all that the harness relies on.

    Raises AssertionError saying what does not hold: float32 logits [texts, labels] that are
    finite and in the order of the texts, facts that are plain data, and the same predictions
    after `save` and `load`.
    """
    import numpy as np

    assert kind in method.kinds, f"{method.name} does not take {kind} data"
    assert bool(method.backbone_kinds) == (backbone is not None), (
        f"{method.name} takes backbones of {method.backbone_kinds or 'no kind'}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = small_corpus(kind, folder / "corpus")
        task = _task(corpus, method, backbone, params or {})
        classifier = method.fit(task)
        texts = [*corpus.validation["text"], *corpus.train["text"]][:PROBES]
        logits = np.asarray(classifier.predict_logits(texts))
        shape = (len(texts), len(corpus.labels))
        assert logits.shape == shape, f"logits are {logits.shape}, expected {shape}"
        assert logits.dtype == np.float32, f"logits are {logits.dtype}, expected float32"
        assert np.isfinite(logits).all(), "a logit is not a finite number"
        turned = np.asarray(classifier.predict_logits(texts[::-1]))[::-1]
        assert np.allclose(turned, logits, atol=1e-4), "logits depend on the order of the texts"
        assert isinstance(classifier.hard, bool), "hard is not true or false"
        json.dumps(dict(classifier.facts), allow_nan=False)
        (folder / "saved").mkdir()
        classifier.save(folder / "saved")
        del classifier
        after = np.asarray(method.load(folder / "saved", backbone).predict_logits(texts))
        assert np.allclose(after, logits, atol=1e-5), "after save and load predictions differ"


def check_backbone(backbone: Backbone, params: Params | None = None) -> None:
    """Load a backbone on the CPU and check that a tokenized text goes through it.

    Raises AssertionError, or Skip where the weights are not on this machine.
    """
    import torch

    from benchbench.kit.batching import tokenize_documents

    values = settle(backbone.name, backbone.parameters, params or {})
    first = backbone.identity(values, offline=True)
    assert first == backbone.identity(values, offline=True), "identity() changes from call to call"
    loaded = backbone.load(values, device="cpu", dtype="float32")
    for fact in ("pad_token_id", "total_parameters"):
        assert fact in loaded.facts, f"facts lack {fact}"
    documents, _ = tokenize_documents(loaded.tokenizer, ["a wet cloud"], 16)
    with torch.no_grad():
        answer = loaded.model(input_ids=torch.tensor(documents))
    assert bool(torch.isfinite(answer.logits).all()), "a logit is not a finite number"


def small_corpus(kind: Kind, folder: Path, documents: int = 60) -> Corpus:
    """Return a corpus of generated documents of three labels, to try a method on."""
    from benchbench.kit.data import Document, build_corpus

    names = sorted(WORDS)
    rows = []
    for number in range(documents):
        label = names[number % len(names)]
        both = kind == "multi-label" and number % 4 == 0
        labels = (label, names[(number + 1) % len(names)]) if both else (label,)
        text = " ".join(WORDS[name] for name in labels) + f" on day {number}"
        rows.append(Document(str(number), text, labels))
    return build_corpus(folder, kind, {"train": rows})


def settle(owner: str, declared: tuple[Parameter, ...], given: Params) -> dict[str, Value]:
    """Return a value for every declared parameter; raise AssertionError for a fault in `given`."""
    own = {parameter.name for parameter in declared}
    common = (
        {name: value for name, value in given.items() if name == "split_seed"}
        if ("split_seed" not in own)
        else {}
    )
    rest = {name: value for name, value in given.items() if name not in common}
    values, faults = resolve(owner, declared, rest)
    assert not faults, "; ".join(faults)
    return {**values, **common}


def _task(corpus: Corpus, method: Method, backbone: BoundBackbone | None, params: Params) -> Task:
    steps: list[Mapping[str, float]] = []
    return Task(
        corpus.kind,
        corpus.labels,
        corpus.train,
        corpus.validation,
        backbone,
        0,
        settle(method.name, method.parameters, params),
        report=lambda step, total, values: steps.append(values),
    )
