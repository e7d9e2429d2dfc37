"""A prompt in tokens: instruction, document, answer slot, and the answers that may follow."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchbench import GuardError, LabelSpace, Parameter, Skip
from benchbench.kit.batching import shortened_texts
from benchbench.kit.guards import check_answer_slot, check_one_bos
from benchbench_finetune.chat_template import RenderedPrompt
from benchbench_finetune.prompt_tokens import Tokens, data_tokens, fixed_tokens
from benchbench_finetune.prompts import CATEGORIES, SLOTS, TEMPLATES, YES_NO, FormatName
from benchbench_finetune.verbalizer import separator_tokens, verbalized, written_tokens

PROMPT_PARAMETERS = (
    Parameter(
        "label_list",
        str,
        "auto",
        "list all labels in the prompt; auto: where the list has no more tokens than "
        "document_tokens and than a quarter of the context, and no question names the label",
        choices=("auto", "always", "never"),
    ),
)


@dataclass(frozen=True, slots=True)
class PromptSettings:
    """What decides a prompt, beside the tokenizer and the labels.

    `max_listed` is the largest number of labels in an answer of the format "list".
    """

    format_name: FormatName
    document_tokens: int
    label_list: str = "auto"
    verbalizer: str = "text"
    max_listed: int = 1


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """A prompt in tokens, and the tokens of the answers that may follow.

    - `head`, the document and `tail` make the prompt; `document_tokens` are left for the document.
    - `labels` are the tokens that every label is written as: one token where they are `coded`.
    - In a yes-no prompt `tail` ends where the label is named, `suffix` follows the label up to
      the answer slot, and `answers` are yes and no.
    - `separator` stands between the labels of a list, and `end` ends an answer.
    - `longest_answer` is the largest number of tokens that can follow `tail`.
    - `sha256` is that of the rendered prompt with its label list, and of the answers.
    """

    head: Tokens
    tail: Tokens
    labels: tuple[Tokens, ...]
    suffix: Tokens
    answers: tuple[Tokens, ...]
    separator: Tokens
    end: int
    document_tokens: int
    label_listed: bool
    sha256: str
    longest_answer: int
    coded: bool = False

    def encode(self, tokenizer: Any, texts: Sequence[str]) -> tuple[list[list[int]], int]:
        """Return (a prompt per text, how many documents were shortened).

        Only the end of a document is ever cut, and no document can spell a control token.
        """
        rows, shortened = shortened_texts(tokenizer, texts, self.document_tokens)
        prompts = [[*self.head, *ids, *self.tail] for ids in rows]
        for prompt in prompts:
            check_answer_slot(prompt, self.head, self.tail)
        return prompts, sum(shortened)

    @property
    def longest_row(self) -> int:
        """The largest number of tokens that a prompt and its answer can have together."""
        return len(self.head) + self.document_tokens + len(self.tail) + self.longest_answer

    @property
    def facts(self) -> dict[str, Any]:
        """What the record says of the prompt."""
        return {
            "prompt_sha256": self.sha256,
            "label_listed": self.label_listed,
            "prompt_head_tokens": len(self.head),
            "prompt_tail_tokens": len(self.tail),
            "document_tokens_left": self.document_tokens,
        }


def prompt_format(
    tokenizer: Any, labels: LabelSpace, settings: PromptSettings, context: int
) -> PromptFormat:
    """Return the prompt for `labels` that fits a context of so many tokens.

    Raises Skip where the fixed parts leave no room for a document, and GuardError where a label
    does not survive the tokenizer.
    """
    yes_no = settings.format_name == "yes-no"
    rendered = _rendered(tokenizer, settings.format_name)
    lead = " " if yes_no else rendered.lead
    coded = settings.verbalizer == "code"
    written, lines = verbalized(tokenizer, labels.texts, lead, coded)
    names = CATEGORIES.fill("\n".join(lines))
    listing = data_tokens(tokenizer, names)
    listed = _lists_labels(settings, len(listing), context)
    head, tail, suffix = _fixed_parts(tokenizer, rendered, listing if listed else ())
    answers = written_tokens(tokenizer, YES_NO, rendered.lead) if yes_no else ()
    separator = separator_tokens(tokenizer, written) if settings.format_name == "list" else ()
    label = max(map(len, written))
    longest_answer = {
        "one-label": label + 1,
        "yes-no": label + len(suffix) + max(map(len, answers), default=0),
        "list": settings.max_listed * (label + len(separator)) + 1,
    }[settings.format_name]
    left = _room(context, len(head) + len(tail) + longest_answer)
    check_one_bos(head, tokenizer.bos_token_id)
    whole = "\n".join([rendered.text, names if listed else "", *lines])
    return PromptFormat(
        head=head,
        tail=tail,
        labels=written,
        suffix=suffix,
        answers=answers,
        separator=separator,
        end=rendered.end,
        document_tokens=min(settings.document_tokens, left),
        label_listed=listed,
        sha256=hashlib.sha256(whole.encode()).hexdigest(),
        longest_answer=longest_answer,
        coded=coded,
    )


def _rendered(tokenizer: Any, format_name: FormatName) -> RenderedPrompt:
    """Return the template of a format as the tokenizer's chat template shows it, with slots."""
    template = TEMPLATES[format_name]
    slots = (SLOTS[placeholder] for placeholder in template.placeholders)
    return RenderedPrompt.of(tokenizer, template.fill(*slots))


def _lists_labels(settings: PromptSettings, tokens: int, context: int) -> bool:
    """Say whether the prompt lists the labels, which takes so many tokens.

    Every document pays for the list, so "auto" never lets it cost more than a document. A question
    names its label itself, so "auto" lists none in a yes-no prompt.
    """
    most = min(settings.document_tokens, context // 4)
    pays = settings.format_name != "yes-no" and tokens <= most
    return {"always": True, "auto": pays, "never": False}[settings.label_list]


def _room(context: int, fixed: int) -> int:
    """Return how many tokens a context leaves for the document; raise Skip where it is none."""
    if fixed >= context:
        raise Skip(
            f"the prompt without its document takes {fixed} tokens and the model's context has "
            f"{context}"
        )
    return context - fixed


def _fixed_parts(
    tokenizer: Any, rendered: RenderedPrompt, listing: Tokens
) -> tuple[Tokens, Tokens, Tokens]:
    """Return the tokens before the document, after it, and after the label of a question."""
    pieces = re.split(f"([{''.join(SLOTS.values())}])", rendered.text)
    parts: list[list[int]] = [list(rendered.leading)]
    slots = []
    for piece in pieces:
        if piece == SLOTS["categories"]:
            parts[-1] += listing
        elif piece in SLOTS.values():
            parts.append([])
        else:
            parts[-1] += fixed_tokens(tokenizer, piece)
        slots += [piece] if piece in SLOTS.values() else []
    if slots.count(SLOTS["document"]) != 1 or len(slots) > 3:
        raise GuardError("the chat template does not show the user's text exactly once")
    head, tail, *suffix = map(tuple, parts)
    return head, tail, suffix[0] if suffix else ()
