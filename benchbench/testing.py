"""Checks of the plugin contract, for the tests of a plugin's author.

Call `check_method(MyMethod(), kind="single-label", backbone="nano-llama")` in a test of yours, and
`check_dataset`, `check_backbone` and `check_metric` likewise.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.catalog import check_item, load_catalog
from benchbench.contract import (
    AdditiveMetric,
    Backbone,
    BoundBackbone,
    Classifier,
    Corpus,
    Dataset,
    Kind,
    LabelFacts,
    LabelSpace,
    Method,
    Metric,
    Parameter,
    Params,
    Predictions,
    ScoredSplit,
    Task,
    TrainingFacts,
    Tuning,
    Value,
    resolve,
)

if TYPE_CHECKING:
    import numpy as np

WORDS = {"rain": "wet cloud puddle", "snow": "white cold frost", "sun": "bright hot dry"}
PROBES = 32
PLUGIN = "under test"
"""The name of the plugin in messages: a check does not know which plugin calls it."""


def check_dataset(dataset: Dataset, params: Params | None = None) -> Corpus:
    """Load a dataset twice and check all that the harness relies on; return the corpus.

    It checks

    - its members, as loading the plugin does,
    - that `kind()` and `load()` agree,
    - the rules of a corpus (`benchbench.kit.data.corpus_checks.check_corpus`),
    - that loading again gives the same documents.

    Raises AssertionError, PluginError or LoaderError, which say what is wrong.

    >>> corpus = check_dataset(MyDataset(), {"documents": 120})
    >>> len(corpus.train), len(corpus.validation), len(corpus.test)
    (69, 10, 41)
    """
    from benchbench.kit.data import check_corpus, write_corpus

    check_item(PLUGIN, "dataset", dataset)
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
    kind: Kind | None = None,
    backbone: str | Path | Backbone | BoundBackbone | None = None,
    params: Params | None = None,
) -> None:
    """Fit a method on a few generated documents and check all that the harness relies on.

    - `kind` is the kind of data, by default the first that the method takes.
    - `backbone` is a name of the catalog, a folder, a hub id, or a backbone. It is loaded on the
      CPU with the default values of its parameters. Give a BoundBackbone for other values.
    - `params` are those of the method; others have their default values.

    It checks

    - its members, as loading the plugin does,
    - that logits are float32 [texts, labels], finite, and in the order of the texts,
    - that facts are plain data,
    - that predictions after `save` and `load` are the same.

    Raises AssertionError or PluginError, which say what is wrong, or Skip if the weights are not
    on this machine.

    >>> check_method(MyMethod(), backbone="nano-llama", params={"epochs": 1})
    """
    check_item(PLUGIN, "method", method)
    kind = kind or method.kinds[0]
    assert kind in method.kinds, f"{method.name} does not take {kind} data"
    bound = _bound(method, backbone)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = small_corpus(kind, folder / "corpus")
        texts = [*corpus.validation["text"], *corpus.train["text"]][:PROBES]
        classifier = method.fit(_task(corpus, method, bound, params or {}))
        logits = _checked_logits(classifier, texts, len(corpus.labels))
        assert isinstance(classifier.hard, bool), "hard is not true or false"
        json.dumps(dict(classifier.facts), allow_nan=False)
        _check_facts(classifier.facts, kind)
        (folder / "saved").mkdir()
        classifier.save(folder / "saved")
        del classifier
        _check_same(logits, method.load(folder / "saved", bound).predict_logits(texts))


def check_backbone(backbone: str | Path | Backbone, params: Params | None = None) -> None:
    """Load a backbone on the CPU and check that a tokenized text goes through it.

    `backbone` is a name of the catalog, a folder, a hub id, or a backbone. Raises AssertionError
    or PluginError, which say what is wrong, or Skip if the weights are not on this machine.

    >>> check_backbone("nano-llama", {"quantization": "none"})
    """
    import torch

    from benchbench.kit.batching import tokenize_documents

    backbone = _looked_up(backbone)
    check_item(PLUGIN, "backbone", backbone)
    values = settle(backbone.name, backbone.parameters, params or {})
    first = backbone.identity(values, offline=True)
    assert first == backbone.identity(values, offline=True), "identity() changes from call to call"
    loaded = backbone.load(values, device="cpu", dtype="float32")
    for fact in ("pad_token_id", "total_parameters"):
        assert fact in loaded.facts, f"facts lack {fact}"
    documents, _ = tokenize_documents(loaded.tokenizer, ["a wet cloud"], 16)
    with torch.no_grad():
        answer = loaded.model(input_ids=torch.tensor(documents))
    scores = answer.logits if backbone.kind == "causal-lm" else answer.last_hidden_state
    assert bool(torch.isfinite(scores).all()), "an output of the model is not a finite number"


def check_metric(metric: Metric) -> None:
    """Compute a metric on small splits and check its result.

    The splits are of each kind of data that it takes: with all documents right, with all wrong,
    and with one document. Raises AssertionError, or what the metric raises.

    >>> check_metric(MY_METRIC)
    """
    import numpy as np

    for kind in metric.kinds:
        for logits in (np.eye(3), -np.eye(3), np.eye(3)[:1]):
            result = metric.function(_scored(kind, logits))
            value = result.value() if isinstance(result, AdditiveMetric) else result
            where = f"{metric.name} on {kind} data"
            assert value is None or isinstance(value, float | int), f"{where} is no number: {value}"
            if value is not None and metric.limits is not None:
                low, high = metric.limits
                assert low <= value <= high, f"{where} is {value}, outside of its limits"
            if isinstance(result, AdditiveMetric):
                columns = result.per_document.shape[1]
                assert columns == len(logits), f"{where} has sums of {columns} documents"


def _scored(kind: Kind, logits: np.ndarray) -> ScoredSplit:
    """Return a split in which document n has label n; a score above 0 decides."""
    import numpy as np

    count = len(logits)
    names = tuple(sorted(WORDS))
    gold, main = np.eye(3, dtype=bool)[:count], np.arange(count, dtype=np.int32)
    ids, groups = tuple(map(str, range(count))), ("",) * count
    predictions = Predictions(ids, gold, main, groups, logits.astype(np.float32))
    labels = LabelFacts(LabelSpace(names, names), (20, 20, 20), 60)
    return ScoredSplit(kind, predictions, labels, Tuning(0.0, np.zeros(3), 1.0))


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


def settle(owner: str, declared: tuple[Parameter, ...], params: Params) -> dict[str, Value]:
    """Return a value for every declared parameter; raise AssertionError for a fault in `params`.

    `split_seed`, which all datasets have, is passed through unless it is declared.
    """
    names = {parameter.name for parameter in declared}
    common = {
        name: value
        for name, value in params.items()
        if name == "split_seed" and "split_seed" not in names
    }
    rest = {name: value for name, value in params.items() if name not in common}
    values, faults = resolve(owner, declared, rest)
    assert not faults, "; ".join(faults)
    return {**values, **common}


def _looked_up(backbone: str | Path | Backbone) -> Backbone:
    """Return the backbone that a name, a folder or a hub id stands for; raise UnknownName."""
    if isinstance(backbone, str | Path):
        # an absolute path is a folder and nothing else; a relative one could be a hub id
        text = str(backbone.expanduser().resolve()) if isinstance(backbone, Path) else backbone
        return load_catalog().backbone(text)
    return backbone


def _bound(
    method: Method, backbone: str | Path | Backbone | BoundBackbone | None
) -> BoundBackbone | None:
    """Return the backbone for a method, on the CPU; None for a method that takes none."""
    assert bool(method.backbone_kinds) == (backbone is not None), (
        f"{method.name} takes backbones of {method.backbone_kinds or 'no kind'}"
    )
    if backbone is None:
        return None
    if isinstance(backbone, BoundBackbone):
        bound = backbone
    else:
        backbone = _looked_up(backbone)
        values = settle(backbone.name, backbone.parameters, {})
        bound = BoundBackbone(backbone, values, device="cpu", dtype="float32")
    assert bound.backbone.kind in method.backbone_kinds, (
        f"{method.name} takes {' or '.join(method.backbone_kinds)}, "
        f"{bound.backbone.name} is {bound.backbone.kind}"
    )
    return bound


def _checked_logits(classifier: Classifier, texts: list[str], labels: int) -> np.ndarray:
    """Return the logits of the texts; raise AssertionError for a wrong form, order or value."""
    import numpy as np

    logits = np.asarray(classifier.predict_logits(texts))
    shape = (len(texts), labels)
    assert logits.shape == shape, f"logits are {logits.shape}, expected {shape}"
    assert logits.dtype == np.float32, f"logits are {logits.dtype}, expected float32"
    assert np.isfinite(logits).all(), "a logit is not a finite number"
    turned = np.asarray(classifier.predict_logits(texts[::-1]))[::-1]
    assert np.allclose(turned, logits, atol=1e-4), "logits depend on the order of the texts"
    return logits


def _check_facts(facts: Mapping[str, object], kind: Kind) -> None:
    """Raise AssertionError for a fact that the harness reads and that has a wrong form."""
    if "training" in facts:
        assert TrainingFacts.of(facts), "facts['training'] is not TrainingFacts(...).to_json()"
    best = facts.get("exact_best")
    if best is not None:
        assert type(best) is int and best > 0, "facts['exact_best'] is not a number of scores"
        assert kind == "single-label", "facts['exact_best']: only single-label data has best labels"


def _check_same(before: np.ndarray, after: np.ndarray) -> None:
    import numpy as np

    same = np.allclose(np.asarray(after), before, atol=1e-5)
    assert same, "after save and load predictions differ"


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
