"""A prompted model, exported: its prompt and its answers in tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench import Exported, ExportTarget
from benchbench_finetune.answer_formats import AnswerFormat
from benchbench_finetune.base_export import export_base, finish, reading

if TYPE_CHECKING:
    from benchbench_finetune.prompted_classifier import PromptedClassifier


def export_prompt(classifier: PromptedClassifier, target: ExportTarget) -> Exported:
    """Write a prompted classifier. Raises BenchbenchError."""
    loaded, settings, answers = classifier.loaded, classifier.settings, classifier.answer_format
    model = export_base(loaded, target, "AutoModelForCausalLM")
    shown = _shown(loaded.tokenizer, answers, classifier.labels.names)
    (target.folder / "prompt.txt").write_text(shown, encoding="utf-8")
    prompt = answers.prompt
    return finish(
        target,
        loaded,
        "prompt_scorer",
        {
            **model,
            **reading(loaded),
            "format": settings.format_name,
            "before": prompt.head,
            "after": prompt.tail,
            "labels": prompt.labels,
            "suffix": prompt.suffix,
            "answers": prompt.answers,
            "separator": prompt.separator,
            "end": prompt.end,
            "coded": prompt.coded,
            "document_tokens": prompt.document_tokens,
            "rate": answers.rate,
            "max_listed": settings.max_listed,
            "batch_size": settings.eval_batch_size,
        },
    )


def _shown(tokenizer: Any, answers: AnswerFormat, names: tuple[str, ...]) -> str:
    """Return the prompt and its answers as text."""
    prompt = answers.prompt

    def text(tokens: Any) -> str:
        return str(tokenizer.decode(list(tokens), clean_up_tokenization_spaces=False))

    question = f"{{label}}{text(prompt.suffix)}" if prompt.suffix else ""
    lines = [f"{text(prompt.head)}{{document}}{text(prompt.tail)}{question}", "", "Answers:"]
    if prompt.answers:
        lines += [" or ".join(map(text, prompt.answers)), "", "Labels:"]
    written = zip(names, prompt.labels, strict=True)
    return "\n".join([*lines, *(f"{name}: {text(label)!r}" for name, label in written)]) + "\n"
