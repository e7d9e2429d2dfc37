"""A classifier that scores labels behind a prompt: what instruction tuning and zero-shot share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import Exported, ExportTarget, GuardError, LabelSpace, LoadedModel, Parameter, Task
from benchbench.kit.artifacts import load_labels, load_settings, save_labels, save_settings
from benchbench.kit.batching import prediction_batches
from benchbench.kit.guards import check_finite
from benchbench.kit.scoring import PROVEN_BEST, Scorer, context_length
from benchbench.kit.training import (
    MicroBatches,
    adapter_outputs,
    adapter_tensors,
    autocast,
    load_adapter,
    save_adapter,
)
from benchbench.kit.typed_parameters import read_parameters
from benchbench_finetune.answer_formats import (
    YES_NO_LABELS,
    AnswerFormat,
    CertifiedTally,
    GoldLabels,
    LabelList,
    OneLabel,
    YesNo,
)
from benchbench_finetune.backbone_guard import base_guard
from benchbench_finetune.prompt_export import export_prompt
from benchbench_finetune.prompt_format import (
    PROMPT_PARAMETERS,
    PromptFormat,
    PromptSettings,
    prompt_format,
)
from benchbench_finetune.prompts import FormatName

if TYPE_CHECKING:
    import datasets
    import numpy as np
    from torch import Tensor

MOST_LISTED = 16
"""The most labels that max_listed=auto lets a list have."""

ANSWER_PARAMETERS = (
    *PROMPT_PARAMETERS,
    Parameter(
        "multi_label",
        str,
        "auto",
        "yes-no: a question per label; list: all labels in one answer; "
        f"auto: yes-no up to {YES_NO_LABELS} labels",
        choices=("auto", "yes-no", "list"),
    ),
    Parameter(
        "scoring",
        str,
        "complete",
        "certified: leave out labels that are proven not to be among the best three, so NLL, ECE, "
        "temperature and all else that needs every score are not known; single-label data only",
        choices=("complete", "certified"),
    ),
    Parameter(
        "shared_beginning",
        bool,
        "auto",
        "compute what all prompts of a batch begin with once, in training and in prediction; "
        "false: for each of them, with the same results up to rounding; auto: once on a CPU",
        words=("auto",),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptedSettings(PromptSettings):
    """How labels are prompted for, no value "auto" any more; saved with the classifier.

    `negatives` is 0 where a method draws none.
    """

    eval_batch_size: int
    scoring: str
    shared_beginning: bool
    negatives: int = 0

    @classmethod
    def of(cls, task: Task, golds: Sequence[GoldLabels]) -> PromptedSettings:
        """Read the parameters of a task; its labels and documents settle what they leave open."""
        max_listed = task.params["max_listed"]
        if max_listed == "auto":
            max_listed = _usual_length(golds)
        sharing = task.params["shared_beginning"]
        if sharing == "auto":  # a GPU takes longer for one more pass than for more tokens
            sharing = task.backbone is None or task.backbone.device == "cpu"
        return read_parameters(
            cls,
            task.params,
            format_name=_format_name(task),
            max_listed=max_listed,
            shared_beginning=sharing,
        )

    def prompt(self, loaded: LoadedModel, labels: LabelSpace) -> PromptFormat:
        """Return the prompt. Raises Skip where it does not fit the model's context."""
        return prompt_format(loaded.tokenizer, labels, self, context_length(loaded.model))

    def answer_format(self, prompt: PromptFormat, rate: float = 1.0) -> AnswerFormat:
        """Return the format of answers; `rate` is that of the questions it was trained on."""
        if self.format_name == "one-label":
            certified = self.scoring == "certified" and not prompt.coded  # a code needs no search
            return OneLabel(prompt, tally=CertifiedTally() if certified else None)
        if self.format_name == "list":
            return LabelList(prompt, self.max_listed)
        return YesNo(prompt, rate)


@dataclass(frozen=True, slots=True)
class PromptedClassifier:
    """A model behind a prompt. Its logits are exact scores of answers, never parsed text."""

    loaded: LoadedModel
    labels: LabelSpace
    settings: PromptedSettings
    answer_format: AnswerFormat
    scorer: Scorer
    facts: dict[str, Any] = field(default_factory=dict)
    hard: bool = False

    def encode(self, texts: Sequence[str]) -> tuple[list[list[int]], int]:
        """Return (a prompt per text, how many documents were shortened)."""
        return self.answer_format.prompt.encode(self.loaded.tokenizer, texts)

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [texts, labels], in the order of `texts`; raise Diverged if not finite."""
        return self.logits(self.encode(texts)[0]).numpy()

    def logits(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Return float32 [prompts, labels] on the CPU."""
        import torch

        logits = torch.empty(len(prompts), len(self.labels))
        lengths, size = [len(prompt) for prompt in prompts], self.settings.eval_batch_size
        micro = MicroBatches()  # smaller where memory runs out
        self.loaded.model.eval()
        with torch.no_grad(), autocast(self.loaded):
            reader = self.scorer.reader(prompts) if prompts else None

            def compute(rows: Sequence[int]) -> Tensor:
                batch = reader.read([prompts[row] for row in rows])
                computed: Tensor = self.answer_format.logits(batch).float().cpu()
                return computed

            for rows in prediction_batches(lengths, size):
                for part, computed in micro.computed(rows, lengths, compute):
                    logits[part] = computed
        check_finite("the logits", [logits])
        return logits

    def save(self, folder: Path) -> None:
        """Write the labels, the settings, and the adapter if there is one."""
        adapted = bool(adapter_outputs(self.loaded.model))
        if adapted:
            folder.mkdir(parents=True, exist_ok=True)
            save_adapter(self.loaded.model, folder)
        save_labels(folder, self.labels)
        more = {
            "rate": self.answer_format.rate,
            "prompt_sha256": self.answer_format.prompt.sha256,
            "tree": self.scorer.tree,
            "adapter": adapted,
        }
        save_settings(folder, asdict(self.settings) | more)

    def export(self, target: ExportTarget) -> Exported:
        """Write what works without benchbench; raise BenchbenchError."""
        return export_prompt(self, target)


def prompt_model(
    task: Task, loaded: LoadedModel, golds: Sequence[GoldLabels]
) -> PromptedClassifier:
    """Return a classifier that prompts `loaded` as it is now, adapters included.

    Where the parameters have `negatives`, yes-no questions are prepared for training with them.
    """
    settings = PromptedSettings.of(task, golds)
    answers = settings.answer_format(settings.prompt(loaded, task.labels))
    if isinstance(answers, YesNo) and settings.negatives:
        answers = answers.drawing(golds, settings.negatives, task.seed)
    probe, _ = answers.prompt.encode(loaded.tokenizer, task.train["text"][:1])
    pad_id, longest = loaded.facts["pad_token_id"], answers.prompt.longest_row
    with autocast(loaded):
        scorer = Scorer.choose(
            loaded.model, pad_id, probe[0], answers.trie, longest, sharing=settings.shared_beginning
        )
    facts = _facts(loaded, settings, answers, scorer)
    return PromptedClassifier(loaded, task.labels, settings, answers, scorer, facts)


def load_prompted(folder: Path, loaded: LoadedModel) -> PromptedClassifier:
    """Return what `PromptedClassifier.save` wrote.

    Raises GuardError where labels, adapter or prompt are not those that it was made with.
    """
    saved = load_settings(folder)
    labels = load_labels(folder)
    if saved["adapter"]:
        load_adapter(loaded.model, folder)
    settings = read_parameters(PromptedSettings, saved)
    answers = settings.answer_format(settings.prompt(loaded, labels), saved["rate"])
    if answers.prompt.sha256 != saved["prompt_sha256"]:
        raise GuardError(
            f"{folder}: the prompt is not the one it was made with: the tokenizer, its chat "
            "template or the prompts have changed"
        )
    scorer = Scorer(
        loaded.model, loaded.facts["pad_token_id"], saved["tree"], sharing=settings.shared_beginning
    )
    facts = _facts(loaded, settings, answers, scorer)
    return PromptedClassifier(loaded, labels, settings, answers, scorer, facts)


def gold_labels(split: datasets.Dataset, n_labels: int) -> list[GoldLabels]:
    """Return the gold labels of every document of a split, with weights of mean 1."""
    import numpy as np

    weights = np.asarray(split["weight"], dtype=np.float64)
    rows = zip(split["labels"], split["main"], (weights / weights.mean()).tolist(), strict=True)
    return [GoldLabels.of(labels, main, weight, n_labels) for labels, main, weight in rows]


def _format_name(task: Task) -> FormatName:
    """Return the format that the data and `multi_label` ask for."""
    if task.kind == "single-label":
        return "one-label"
    name: Any = task.params["multi_label"]
    if name == "auto":
        return "yes-no" if len(task.labels) <= YES_NO_LABELS else "list"
    return name  # type: ignore[no-any-return]


def _usual_length(golds: Sequence[GoldLabels]) -> int:
    """Return the length of a list that 99 % of the documents do not exceed, at most 16."""
    import numpy as np

    counts = [len(gold.labels) for gold in golds]
    most = int(np.quantile(counts, 0.99, method="higher"))
    return min(MOST_LISTED, max(1, most))


def _facts(
    loaded: LoadedModel, settings: PromptedSettings, answers: AnswerFormat, scorer: Scorer
) -> dict[str, Any]:
    """Return what the record says of a classifier before it is trained."""
    adapter = sum(parameter.numel() for parameter in adapter_tensors(loaded.model).values())
    # plain scoring is complete, whatever was asked for
    tally = answers.tally if isinstance(answers, OneLabel) and scorer.tree else None
    name = settings.format_name
    return {
        "trainable_parameters": adapter,
        "total_parameters": loaded.facts["total_parameters"] + adapter,
        "four_bit_modules": loaded.facts["four_bit_modules"],
        "pad_source": loaded.facts["pad_source"],
        **answers.prompt.facts,
        "scoring": scorer.name,
        "tree_check": scorer.check.facts() if scorer.check else None,
        "warnings": [scorer.warning] if scorer.warning else [],
        "certified": tally.facts if tally else None,
        "exact_best": PROVEN_BEST if tally else None,
        "multi_label_format": name if name != "one-label" else None,
        "max_listed": settings.max_listed if name == "list" else None,
        "negatives_rate": answers.rate if name == "yes-no" else None,
        "guards": {
            **base_guard(loaded),
            "a prompt begins with at most one BOS": "passed",
            "instruction and answer slot stand whole in every prompt": "passed",
            "every label survives the tokenizer and differs from all others": "passed",
            "scores by tree equal plain ones": "passed" if scorer.tree else "not applicable",
        },
    }
