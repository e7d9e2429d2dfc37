"""Instruction tuning: adapters on a frozen base, trained to answer a prompt with the label."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import (
    Amount,
    BenchbenchError,
    BoundBackbone,
    Kind,
    Parameter,
    Params,
    Task,
    TrainingFacts,
    Workload,
)
from benchbench.kit.batching import (
    batches_digest,
    length_bucketed_batches,
    prediction_batches,
    to_device,
)
from benchbench.kit.scoring import Beginning, Continuation
from benchbench.kit.seeding import seed_everything
from benchbench.kit.training import (
    LORA_PARAMETERS,
    PASSED,
    TRAINING_PARAMETERS,
    MicroBatches,
    TrainingPlan,
    TrainingRows,
    TrainingTask,
    adapter_groups,
    attach,
    autocast,
    frozen_states_known,
    prepare_memory,
    train,
)
from benchbench_finetune.answer_formats import GoldLabels
from benchbench_finetune.backbone_guard import load_backbone
from benchbench_finetune.prompted_classifier import (
    ANSWER_PARAMETERS,
    PromptedClassifier,
    gold_labels,
    load_prompted,
    prompt_model,
)
from benchbench_finetune.prompts import FormatName
from benchbench_finetune.workloads import prompted_workload

if TYPE_CHECKING:
    from torch import Tensor

NEGATIVES = Parameter(
    "negatives",
    int,
    4,
    "labels per document that it learns to answer no to, drawn anew in each epoch (yes-no)",
    minimum=1,
)
VERBALIZER = Parameter(
    "verbalizer",
    str,
    "text",
    "what stands for a label: its text, or a code of one token, which is learned",
    choices=("text", "code"),
)


LOSSES: Mapping[FormatName, str] = {
    "one-label": "cross-entropy of the answer's tokens over the vocabulary",
    "yes-no": "cross-entropy of yes and no over the vocabulary",
    "list": "cross-entropy of the list's tokens over the vocabulary",
}


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt, the continuations to learn behind it, and the weight of the document."""

    prompt: list[int]
    targets: list[Continuation]
    weight: float


class Instruction:
    """Train adapters so that the model answers a prompt with the label's text.

    The loss is -log p of the tokens of the right answer and its end, and of no token of the
    prompt. It is summed over the tokens of a document, so that it is the likelihood that
    prediction compares, and averaged over documents by their weights. Where documents have
    several questions, the sum is divided by the average number of questions, so that every
    question counts the same.
    """

    name = "instruction"
    description = "LoRA adapters, trained to answer a prompt; every label scored exactly"
    parameters = (*LORA_PARAMETERS, *TRAINING_PARAMETERS, *ANSWER_PARAMETERS, NEGATIVES, VERBALIZER)
    kinds: tuple[Kind, ...] = ("single-label", "multi-label")
    backbone_kinds = ("causal-lm",)
    seeded = True

    def workload(self, params: Params, amount: Amount) -> Workload:
        """Return how much work the method makes of so much data."""
        return prompted_workload(params, amount)

    def fit(self, task: Task) -> PromptedClassifier:
        """Train on `task.train` and keep the epoch with the lowest validation loss."""
        loaded = load_backbone(self.name, task.backbone)
        seed_everything(task.seed)
        plan = TrainingPlan.from_params(task.params, loaded.facts["hidden_size"])
        attach(loaded.model, task.params, task.seed)
        golds = gold_labels(task.train, len(task.labels))
        classifier = prompt_model(task, loaded, golds)
        checkpointed = prepare_memory(loaded, plan)
        training, facts = _training_task(classifier, task, plan, golds)
        with frozen_states_known(loaded, training.rows, plan.eval_batch_size) as frozen:
            outcome = train(training, plan, task.report, task.seed)
        classifier.facts.update(facts, **outcome, **frozen, gradient_checkpointing=checkpointed)
        classifier.facts["guards"] |= PASSED
        return classifier

    def load(self, folder: Path, backbone: BoundBackbone | None) -> PromptedClassifier:
        """Return the classifier that `save` wrote; raise GuardError where a file is damaged."""
        return load_prompted(folder, load_backbone(self.name, backbone))


def _training_task(
    classifier: PromptedClassifier, task: Task, plan: TrainingPlan, golds: Sequence[GoldLabels]
) -> tuple[TrainingTask[list[Example]], dict[str, Any]]:
    """Return what `train` needs, and facts about the documents."""
    model = classifier.loaded.model
    prompts, truncated = classifier.encode(task.train["text"])
    lengths = [len(prompt) for prompt in prompts]

    def order(epoch: int) -> list[list[int]]:
        return length_bucketed_batches(lengths, plan.batch_size, task.seed, epoch)

    def batches(epoch: int) -> list[list[Example]]:
        examples = _examples(classifier, prompts, golds, epoch)
        return [[examples[row] for row in rows] for rows in order(epoch)]

    validate, validated = _validation(classifier, task, plan.eval_batch_size)
    training = TrainingTask(
        modules=(model,),
        groups=adapter_groups(model),
        batches=batches,
        loss=lambda batch: _loss(classifier, batch),
        lengths=lambda batch: _lengths(classifier, batch),
        shared=lambda batch: _SharedBeginning.read(classifier, batch),
        validate=validate,
        scaled=classifier.loaded.facts["dtype"] == "float16",
        rows=lambda: _rows(classifier, [*_examples(classifier, prompts, golds), *validated]),
    )
    loss = LOSSES[classifier.settings.format_name]
    return training, {
        "training": TrainingFacts(loss, plan.stopping(loss)).to_json(),
        "truncated_share": truncated / len(prompts),
        "batches_digest": batches_digest(order(0)),
    }


def _examples(
    classifier: PromptedClassifier,
    prompts: Sequence[list[int]],
    golds: Sequence[GoldLabels],
    *stream: str | int,
) -> list[Example]:
    """Return one example per document; `stream` names the random numbers."""
    targets = classifier.answer_format.targets(golds, *stream)
    rows = zip(prompts, targets, golds, strict=True)
    return [Example(prompt, answers, gold.weight) for prompt, answers, gold in rows]


def _rows(classifier: PromptedClassifier, examples: Sequence[Example]) -> TrainingRows:
    """Return the rows of tokens that every epoch reads, and how many tokens all of them share.

    A row is a prompt and its answer, whose last token is predicted and not read.
    """
    if classifier.settings.format_name == "yes-no":
        return TrainingRows(reason="each epoch draws other questions")
    if not classifier.scorer.tree:
        return TrainingRows(reason="answers are scored plainly")
    common = classifier.scorer.shared_in_training([example.prompt for example in examples])
    rows = [
        [*example.prompt, *target.tokens[:-1]] for example in examples for target in example.targets
    ]
    return TrainingRows(rows, common)


@dataclass(frozen=True, slots=True)
class _SharedBeginning:
    """What all prompts of a batch begin with, read once, and the copy that its slices see."""

    classifier: PromptedClassifier
    beginning: Beginning
    leaf: Beginning

    @classmethod
    def read(
        cls, classifier: PromptedClassifier, batch: Sequence[Example]
    ) -> _SharedBeginning | None:
        """Read it; None where there is none, or the model does not take it."""
        with autocast(classifier.loaded):
            beginning = classifier.scorer.beginning([example.prompt for example in batch])
        return cls(classifier, beginning, beginning.leaf()) if beginning is not None else None

    def loss(self, batch: Sequence[Example]) -> Tensor:
        """Return the mean loss of a slice of the batch."""
        return _loss(self.classifier, batch, self.leaf)

    def backward(self) -> None:
        """Pass the gradients of all slices through the beginning."""
        self.beginning.backward(self.leaf)


def _loss(
    classifier: PromptedClassifier, batch: Sequence[Example], beginning: Beginning | None = None
) -> Tensor:
    """Return the mean over the documents of their weighted losses."""
    import torch

    with autocast(classifier.loaded):
        scores = classifier.scorer.scores_each(
            [example.prompt for example in batch],
            [example.targets for example in batch],
            beginning,
        )
    answers = classifier.answer_format.answers_per_document
    losses = torch.stack([-document.sum() for document in scores]) / answers
    weights = torch.tensor([example.weight for example in batch], dtype=losses.dtype)
    return (losses * to_device(weights, losses.device)).mean()


def _lengths(classifier: PromptedClassifier, batch: Sequence[Example]) -> list[int]:
    """Return how many tokens are computed for each document of a batch, at most.

    What all prompts begin with is computed once for all of them, so it counts for none. By tree, a
    prompt is computed once for all its continuations.
    """
    scorer = classifier.scorer
    shared = scorer.shared_in_training([example.prompt for example in batch])
    return [
        (len(example.prompt) - shared) * (1 if scorer.tree else len(example.targets))
        + sum(len(target.tokens) - 1 for target in example.targets)
        for example in batch
    ]


def _validation(
    classifier: PromptedClassifier, task: Task, size: int
) -> tuple[Callable[[], float], list[Example]]:
    """Return the validation loss as a function without arguments, and the examples it reads.

    Their questions never change. A single-label document whose label does not occur in training
    has no answer, so no loss.
    """
    golds = gold_labels(task.validation, len(task.labels))
    prompts, _ = classifier.encode(task.validation["text"])
    examples = _examples(classifier, prompts, golds, "validation")
    examples = [example for example in examples if example.targets]
    if not examples:
        raise BenchbenchError(
            "no validation document has a label that occurs in training, so training cannot tell "
            "when to stop: give a larger validation split"
        )
    lengths = [len(example.prompt) for example in examples]
    micro = MicroBatches()  # smaller where memory runs out

    def compute(rows: Sequence[int]) -> Tensor:
        return _loss(classifier, [examples[row] for row in rows])

    def validate() -> float:
        import torch

        parts = [
            part
            for rows in prediction_batches(lengths, size)
            for part in micro.computed(rows, lengths, compute)
        ]
        losses = torch.stack([loss for _, loss in parts]).tolist()  # a GPU is waited for once
        weighted = sum(loss * len(rows) for loss, (rows, _) in zip(losses, parts, strict=True))
        return float(weighted) / len(examples)

    return validate, examples
