"""Every prompt of the instruction methods, and how documents are put into them."""

from __future__ import annotations

import hashlib
import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchbench import GuardError, LabelSpace, Parameter, Params, Skip
from benchbench.kit.batching import leading_tokens, shortened_texts, tokenize_text
from benchbench.kit.guards import check_answer_slot, check_one_bos

Way = Literal["one-label", "yes-no", "list"]
Tokens = tuple[int, ...]

PROMPT_PARAMETERS = (
    Parameter(
        "label_list",
        str,
        "auto",
        "list all labels in the prompt; auto: where they fit in a quarter of the context",
        choices=("auto", "always", "never"),
    ),
)


@dataclass(frozen=True, slots=True)
class Template:
    """A text with exactly these placeholders, each once, in this order."""

    text: str
    placeholders: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise ValueError naming what is missing, extra or out of order."""
        found = tuple(field for _, field, _, _ in string.Formatter().parse(self.text) if field)
        if found != self.placeholders:
            raise ValueError(f"a template has {list(found)} and needs {list(self.placeholders)}")

    def fill(self, *values: str) -> str:
        """Return the text with a value for every placeholder, in their order."""
        return self.text.format(**dict(zip(self.placeholders, values, strict=True)))


TEMPLATES: dict[Way, Template] = {
    "one-label": Template(
        "Read the text and name the one category that it belongs to."
        "{categories}\n\nText:\n{document}\n\nCategory:",
        ("categories", "document"),
    ),
    "list": Template(
        "Read the text and list every category that it belongs to, separated by semicolons."
        "{categories}\n\nText:\n{document}\n\nCategories:",
        ("categories", "document"),
    ),
    "yes-no": Template(
        "Read the text and say whether a category applies to it."
        "{categories}\n\nText:\n{document}\n\nYes or no, does this category apply?{label}\nAnswer:",
        ("categories", "document", "label"),
    ),
}
CATEGORIES = Template("\n\nCategories:\n{names}", ("names",))
CODED = Template("{code} = {name}", ("code", "name"))
SLOTS = {"categories": "\ue000", "document": "\ue001", "label": "\ue002", "answer": "\ue003"}
"""What stands for data while a chat template is rendered: characters of the private-use area."""
SEPARATORS = (";", "|", "\n")
DATE = "26 Jul 2024"
"""The day that a chat template is told it is: another prompt every morning is no experiment."""
FIXED_CLOCK = (
    "{% macro strftime_now(format) %}{{ format"
    ".replace('%d', '26').replace('%b', 'Jul').replace('%B', 'July').replace('%m', '07')"
    ".replace('%Y', '2024') }}{% endmacro %}{{ '' }}"
)
"""Put before a template that asks for the day itself; the last part keeps a newline after it."""


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """A prompt in tokens: head, document, tail, and the answers that may follow.

    `labels` are the tokens of every label as it is written. In a yes-no prompt `tail` ends where
    the label is named, `suffix` follows it up to the answer slot, and `answers` are yes and no.
    `end` closes an answer and `separator` stands between the labels of a list.
    `document_tokens` is what is left for the document. `sha256` is that of the rendered prompt
    with its label list, and of the answers. `longest_answer` counts all tokens that can ever
    stand behind `tail`. Where it is `coded`, a label is written as one token of its own.
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
        """Return (a prompt for every text, how many documents were shortened).

        Only the end of a document is ever cut, and no document can spell a control token.
        """
        rows, shortened = shortened_texts(tokenizer, texts, self.document_tokens)
        prompts = [[*self.head, *ids, *self.tail] for ids in rows]
        for prompt in prompts:
            check_answer_slot(prompt, self.head, self.tail)
        return prompts, sum(shortened)

    @property
    def longest_row(self) -> int:
        """The most tokens that prompt and answer can have together."""
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


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt as text, with slots for data; what precedes an answer in it, and what ends one."""

    text: str
    lead: str
    end: int
    leading: Tokens

    @classmethod
    def of(cls, tokenizer: Any, text: str) -> Rendered:
        """Put `text` into the tokenizer's chat template, or leave it plain where it has none.

        An answer ends with the first token after an assistant's turn, else with EOS.
        """
        if not tokenizer.chat_template:
            return cls(text, " ", _end(tokenizer, ""), tuple(leading_tokens(tokenizer)))
        turn = [{"role": "user", "content": text}]
        prompt = _chat(tokenizer, turn, add_generation_prompt=True)
        reply = {"role": "assistant", "content": SLOTS["answer"]}
        answered = _chat(tokenizer, [*turn, reply], add_generation_prompt=False)
        before, _, after = answered.partition(SLOTS["answer"])
        lead = before.removeprefix(prompt)
        return cls(prompt, "" if lead.strip() else lead, _end(tokenizer, after), ())


def prompt_format(
    tokenizer: Any, labels: LabelSpace, way: Way, context: int, params: Params, listed: int = 1
) -> PromptFormat:
    """Return the prompt for `labels` that fits a context of so many tokens.

    `params` holds `label_list` and `document_tokens`; `listed` is the most labels of an answer.
    Raises Skip where the fixed parts leave no room for a document, and GuardError where a label
    does not survive the tokenizer.
    """
    template = TEMPLATES[way]
    rendered = Rendered.of(tokenizer, template.fill(*(SLOTS[p] for p in template.placeholders)))
    coded = params.get("verbalizer") == "code"
    lead = " " if way == "yes-no" else rendered.lead
    written, lines = _verbalized(tokenizer, labels.texts, lead, coded)
    names = CATEGORIES.fill("\n".join(lines))
    listing = _data(tokenizer, names)
    # A question names its label itself, so that yes-no lists only where it is told to.
    fits = way != "yes-no" and len(listing) <= context // 4
    label_listed = {"always": True, "auto": fits, "never": False}[params["label_list"]]
    head, tail, suffix = _fixed_parts(tokenizer, rendered, listing if label_listed else ())
    answers = _written(tokenizer, ("yes", "no"), rendered.lead) if way == "yes-no" else ()
    separator = _separator(tokenizer, written) if way == "list" else ()
    behind = _longest_answer(written, suffix, answers, separator, listed)
    left = _room(context, len(head) + len(tail) + behind)
    check_one_bos(head, tokenizer.bos_token_id)
    whole = "\n".join([rendered.text, names if label_listed else "", *lines])
    return PromptFormat(
        head=head,
        tail=tail,
        labels=written,
        suffix=suffix,
        answers=answers,
        separator=separator,
        end=rendered.end,
        document_tokens=min(int(params["document_tokens"]), left),
        label_listed=label_listed,
        sha256=hashlib.sha256(whole.encode()).hexdigest(),
        longest_answer=behind,
        coded=coded,
    )


def _verbalized(
    tokenizer: Any, texts: Sequence[str], lead: str, coded: bool
) -> tuple[tuple[Tokens, ...], tuple[str, ...]]:
    """Return the tokens that each label is written as, and the lines that list them."""
    written = _written(tokenizer, texts, lead)
    if not coded:
        return written, tuple(texts)
    written = codes(tokenizer, written)
    return written, tuple(map(CODED.fill, _texts(tokenizer, written), texts))


def _longest_answer(
    written: Sequence[Tokens], suffix: Tokens, answers: Sequence[Tokens], separator: Tokens,
    listed: int,
) -> int:  # fmt: skip
    """Return how many tokens can stand behind the tail: a question's, a list's or one label's."""
    longest = max(map(len, written))
    if answers:
        return longest + len(suffix) + max(map(len, answers))
    if separator:
        return listed * (longest + len(separator)) + 1
    return longest + 1


def _room(context: int, fixed: int) -> int:
    """Return how many tokens a context leaves for the document; raise Skip where none."""
    if fixed >= context:
        raise Skip(
            f"the prompt without its document takes {fixed} tokens and the model's context has "
            f"{context}"
        )
    return context - fixed


def _fixed_parts(
    tokenizer: Any, rendered: Rendered, listing: Tokens
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
            parts[-1] += _fixed(tokenizer, piece)
        slots += [piece] if piece in SLOTS.values() else []
    if slots.count(SLOTS["document"]) != 1 or len(slots) > 3:
        raise GuardError("the chat template does not show the user's text exactly once")
    head, tail, *suffix = map(tuple, parts)
    return head, tail, suffix[0] if suffix else ()


def _written(tokenizer: Any, texts: Sequence[str], lead: str) -> tuple[Tokens, ...]:
    """Return the tokens of each text behind `lead`; raise GuardError where one is not itself."""
    written = tuple(_data(tokenizer, lead + text) for text in texts)
    for text, tokens in zip(texts, written, strict=True):
        back = tokenizer.decode(list(tokens), clean_up_tokenization_spaces=False)
        if _plain(back) != _plain(text):
            raise GuardError(f"the tokenizer makes {back!r} of the label text {text!r}")
    if len(set(written)) != len(written):
        twice = next(texts[i] for i, tokens in enumerate(written) if tokens in written[:i])
        raise GuardError(f"the label text {twice!r} has the same tokens as another one")
    return written


def codes(tokenizer: Any, written: Sequence[Tokens]) -> tuple[Tokens, ...]:
    """Return a token of its own for each label, given the tokens of the labels' texts.

    The first of its own tokens that nobody has yet, so that what the model knows of the word
    helps; else the next one of the vocabulary. Only tokens that are words or parts of words
    count. Raises Skip where the vocabulary has too few.
    """
    ordinary = _word_tokens(tokenizer)
    if len(ordinary) < len(written):
        raise Skip(
            f"verbalizer=code needs a token for each of {len(written)} labels, and the "
            f"vocabulary has {len(ordinary)} words and parts of words"
        )
    free = dict.fromkeys(ordinary)
    chosen: list[int | None] = []
    for tokens in written:
        own = next((token for token in tokens if token in free), None)
        free.pop(own, None)  # type: ignore[arg-type]
        chosen.append(own)
    others = iter(free)
    return tuple((next(others) if token is None else token,) for token in chosen)


def _word_tokens(tokenizer: Any) -> list[int]:
    """Return the tokens that are letters or digits alone, each another text, by id."""
    special = tokenizer.added_tokens_decoder.keys()
    ids = [index for index in range(len(tokenizer)) if index not in special]
    names = tokenizer.convert_ids_to_tokens(ids)
    words: dict[str, int] = {}
    for index, name, text in zip(ids, names, _texts(tokenizer, [(i,) for i in ids]), strict=True):
        bytes_alone = re.fullmatch(r"<0x[0-9A-F]{2}>", name)  # what spells a rare character
        if text.isalnum() and not bytes_alone:
            words.setdefault(text, index)
    return sorted(words.values())


def _texts(tokenizer: Any, written: Sequence[Tokens]) -> list[str]:
    """Return what tokens say, each for itself, without the space around it."""
    texts = tokenizer.batch_decode(
        [list(tokens) for tokens in written], clean_up_tokenization_spaces=False
    )
    return [text.strip() for text in texts]


def _separator(tokenizer: Any, written: Sequence[Tokens]) -> Tokens:
    """Return the tokens of the first separator that no label contains."""
    used = {token for tokens in written for token in tokens}
    for text in SEPARATORS:
        tokens = _data(tokenizer, text)
        if not used & set(tokens):
            return tokens
    raise GuardError(f"the label texts use all of the separators {SEPARATORS}")


def _data(tokenizer: Any, text: str) -> Tokens:
    """Tokenise text that follows other text, so that it cannot spell a control token.

    Tokenizers of the SentencePiece kind put a space before a text of its own. So the text is
    encoded behind an anchor, whose tokens are then taken off if they are still there whole.
    """
    anchor = ":" if text[:1] in (" ", *SEPARATORS) else "\n"
    alone, start, joined = _tokenize(tokenizer, [text, anchor, anchor + text])
    return tuple(joined[len(start) :] if joined[: len(start)] == start else alone)


def _tokenize(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Tokenise data so that no text can spell a control token.

    Some vocabularies do not declare all of theirs special (Phi-3's </s>), so that they are found
    in text all the same. Such a text is encoded in pieces, cut inside the token's name.
    """
    added = {id: str(token) for id, token in tokenizer.added_tokens_decoder.items()}
    control = {id: name for id, name in added.items() if re.fullmatch(r"<\S+>|\[\S+\]", name)}
    encoded = tokenize_text(tokenizer, texts)
    for index, ids in enumerate(encoded):
        if not control.keys().isdisjoint(ids):
            names = "|".join(
                f"(?<={re.escape(n[0])})(?={re.escape(n[1:])})" for n in control.values()
            )
            pieces = tokenize_text(tokenizer, re.split(names, texts[index]))
            encoded[index] = [token for piece in pieces for token in piece]
    return encoded


def _fixed(tokenizer: Any, text: str) -> list[int]:
    """Tokenise text of ours, in which control tokens are meant."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"] if text else []
    return ids


def _chat(tokenizer: Any, messages: Sequence[dict[str, str]], **options: Any) -> str:
    """Render messages without thinking, and on a fixed day."""
    template = tokenizer.get_chat_template()
    text: str = tokenizer.apply_chat_template(
        list(messages),
        chat_template=(FIXED_CLOCK if "strftime_now" in template else "") + template,
        tokenize=False,
        enable_thinking=False,
        date_string=DATE,
        **options,
    )
    return text


def _end(tokenizer: Any, after: str) -> int:
    """Return the control token that `after` begins with, else EOS."""
    ids = _fixed(tokenizer, after.lstrip())
    if ids and ids[0] in tokenizer.added_tokens_decoder:
        return ids[0]
    if tokenizer.eos_token_id is None:
        raise Skip("the tokenizer names no token that ends an answer (EOS)")
    end: int = tokenizer.eos_token_id
    return end


def _plain(text: str) -> str:
    """Return text as a normalising tokenizer may change it: compatible forms, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).split())
