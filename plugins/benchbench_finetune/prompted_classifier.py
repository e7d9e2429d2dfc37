"""A model that is asked for labels in words: what instruction tuning and zero-shot share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import (
    GuardError,
    LabelSpace,
    LoadedModel,
    Parameter,
    Task,
)
from benchbench.kit.artifacts import load_labels, load_settings, save_labels, save_settings
from benchbench.kit.batching import prediction_batches
from benchbench.kit.guards import check_finite
from benchbench.kit.scoring.limits import context_length
from benchbench.kit.scoring.scorer import Scorer
from benchbench.kit.training import (
    adapter_outputs,
    adapter_tensors,
    autocast,
    load_adapter,
    save_adapter,
)
from benchbench_finetune.answer_formats import CertifiedTally, Gold, LabelList, OneLabel, Way, YesNo
from benchbench_finetune.backbone_guard import base_guard
from benchbench_finetune.prompts import PROMPT_PARAMETERS, PromptFormat, prompt_format
from benchbench_finetune.prompts import Way as WayName

if TYPE_CHECKING:
    import datasets
    import numpy as np
    from torch import Tensor

YES_NO_LABELS = 64
"""Up to so many labels, multi_label=auto asks about each; above, it has them listed."""
MOST_LISTED = 16
"""The most labels that max_listed=auto lets a list have."""

ANSWER_PARAMETERS = (
    *PROMPT_PARAMETERS,
    Parameter(
        "multi_label",
        str,
        "auto",
        f"ask about every label, or have them listed; auto: ask up to {YES_NO_LABELS} labels",
        choices=("auto", "yes-no", "list"),
    ),
    Parameter(
        "scoring",
        str,
        "complete",
        "certified: leave out labels that are proven not to matter, where a document has one label",
        choices=("complete", "certified"),
    ),
    Parameter(
        "max_listed",
        int,
        "auto",
        "most labels of a list; auto: 99th percentile of the training documents, at most 16",
        words=("auto",),
        minimum=1,
    ),
)
KEPT = ("label_list", "document_tokens", "eval_batch_size", "scoring", "verbalizer")
"""Parameters that prediction needs again, as far as a method has them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How labels are asked for, all `auto` settled; `params` are those of KEPT."""

    way: WayName
    listed: int
    params: Mapping[str, Any]

    @classmethod
    def of(cls, task: Task, golds: Sequence[Gold]) -> Settings:
        """Settle what the parameters leave open, from the training documents."""
        import numpy as np

        way: Any = "one-label" if task.kind == "single-label" else task.params["multi_label"]
        if way == "auto":
            way = "yes-no" if len(task.labels) <= YES_NO_LABELS else "list"
        listed: Any = task.params["max_listed"]
        if listed == "auto":
            counts = [len(gold.labels) for gold in golds]
            most = int(np.quantile(counts, 0.99, method="higher"))
            listed = min(MOST_LISTED, max(1, most))
        return cls(way, listed, {name: task.params[name] for name in KEPT if name in task.params})

    def format(self, loaded: LoadedModel, labels: LabelSpace) -> PromptFormat:
        """Return the prompt. Raises Skip where it does not fit the model's context."""
        context = context_length(loaded.model)
        return prompt_format(loaded.tokenizer, labels, self.way, context, self.params, self.listed)

    def answering(self, format: PromptFormat, rate: float = 1.0) -> Way:
        """Return the way to answer; `rate` is that of the questions it was trained on."""
        if self.way == "one-label":
            certified = self.params["scoring"] == "certified"
            return OneLabel(format, tally=CertifiedTally() if certified else None)
        if self.way == "list":
            return LabelList(format, self.listed)
        return YesNo(format, rate)


@dataclass(frozen=True, slots=True)
class PromptedClassifier:
    """A model that is asked. The logits are exact scores of answers, never parsed text."""

    loaded: LoadedModel
    labels: LabelSpace
    settings: Settings
    way: Way
    scorer: Scorer
    facts: dict[str, Any] = field(default_factory=dict)
    hard: bool = False

    def encode(self, texts: Sequence[str]) -> tuple[list[list[int]], int]:
        """Return (the prompt of every text, how many documents were shortened)."""
        return self.way.format.encode(self.loaded.tokenizer, texts)

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [texts, labels], in the order of `texts`; raise Diverged if not finite."""
        return self.logits(self.encode(texts)[0]).numpy()

    def logits(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Return float32 [prompts, labels] on the CPU."""
        import torch

        logits = torch.empty(len(prompts), len(self.labels))
        size = self.settings.params["eval_batch_size"]
        self.loaded.model.eval()
        with torch.no_grad(), autocast(self.loaded):
            reader = self.scorer.reader(prompts) if prompts else None
            for rows in prediction_batches([len(prompt) for prompt in prompts], size):
                reading = reader.read([prompts[row] for row in rows])
                logits[rows] = self.way.logits(reading).float().cpu()
        check_finite("the logits", [logits])
        return logits

    def save(self, folder: Path) -> None:
        """Write the labels, the settings, and the adapter if there is one."""
        if adapter_outputs(self.loaded.model):
            folder.mkdir(parents=True, exist_ok=True)
            save_adapter(self.loaded.model, folder)
        save_labels(folder, self.labels)
        settings = {
            "way": self.settings.way,
            "listed": self.settings.listed,
            "params": dict(self.settings.params),
            "rate": self.way.rate,
            "prompt_sha256": self.way.format.sha256,
            "tree": self.scorer.tree,
            "adapter": bool(adapter_outputs(self.loaded.model)),
        }
        save_settings(folder, settings)


def ask(task: Task, loaded: LoadedModel, golds: Sequence[Gold]) -> PromptedClassifier:
    """Return a classifier that asks `loaded`, adapters included, as it stands now.

    Where the parameters have `negatives`, a yes-no way is prepared for training with so many.
    """
    settings = Settings.of(task, golds)
    way = settings.answering(settings.format(loaded, task.labels))
    if isinstance(way, YesNo) and "negatives" in task.params:
        way = way.drawing(golds, int(task.params["negatives"]), task.seed)
    probe, _ = way.format.encode(loaded.tokenizer, task.train["text"][:1])
    pad_id = int(loaded.facts["pad_token_id"])
    with autocast(loaded):
        scorer = Scorer.choose(loaded.model, pad_id, probe[0], way.trie, way.format.longest_row)
    facts = _facts(loaded, settings, way, scorer)
    return PromptedClassifier(loaded, task.labels, settings, way, scorer, facts)


def load_prompted(folder: Path, loaded: LoadedModel) -> PromptedClassifier:
    """Return what `PromptedClassifier.save` wrote.

    Raises GuardError where labels, adapter or prompt are not those it was made with.
    """
    saved = load_settings(folder)
    labels = load_labels(folder)
    if saved["adapter"]:
        load_adapter(loaded.model, folder)
    settings = Settings(saved["way"], saved["listed"], saved["params"])
    way = settings.answering(settings.format(loaded, labels), saved["rate"])
    if way.format.sha256 != saved["prompt_sha256"]:
        raise GuardError(
            f"{folder}: the prompt is not the one it was made with: the tokenizer, its chat "
            "template or the prompts have changed"
        )
    scorer = Scorer(loaded.model, int(loaded.facts["pad_token_id"]), bool(saved["tree"]), None)
    facts = _facts(loaded, settings, way, scorer)
    return PromptedClassifier(loaded, labels, settings, way, scorer, facts)


def gold_labels(split: datasets.Dataset, n_labels: int) -> list[Gold]:
    """Return the gold of every document of a split, weights with mean 1."""
    import numpy as np

    weights = np.asarray(split["weight"], dtype=np.float64)
    rows = zip(split["labels"], split["main"], (weights / weights.mean()).tolist(), strict=True)
    return [Gold.of(labels, main, weight, n_labels) for labels, main, weight in rows]


def _facts(loaded: LoadedModel, settings: Settings, way: Way, scorer: Scorer) -> dict[str, Any]:
    """Return what the record says of a classifier before it is trained."""
    adapter = sum(parameter.numel() for parameter in adapter_tensors(loaded.model).values())
    return {
        "trainable_parameters": adapter,
        "total_parameters": loaded.facts["total_parameters"] + adapter,
        "four_bit_modules": loaded.facts["four_bit_modules"],
        "pad_source": loaded.facts["pad_source"],
        **way.format.facts,
        "scoring": scorer.name,
        "tree_difference": scorer.difference,
        "certified": way.tally.facts if isinstance(way, OneLabel) and way.tally else None,
        "multi_label_way": settings.way if settings.way != "one-label" else None,
        "max_listed": settings.listed if settings.way == "list" else None,
        "negatives_rate": way.rate if settings.way == "yes-no" else None,
        "guards": {
            **base_guard(loaded),
            "a prompt begins with at most one BOS": "passed",
            "instruction and answer slot stand whole in every prompt": "passed",
            "every label survives the tokenizer and differs from all others": "passed",
            "scores by tree equal plain ones": "passed" if scorer.tree else "not applicable",
        },
    }
