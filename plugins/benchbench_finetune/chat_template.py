"""A prompt in the tokenizer's chat template, with slots where the data goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchbench import Skip
from benchbench.kit.batching import leading_tokens
from benchbench_finetune.prompt_tokens import Tokens, fixed_tokens
from benchbench_finetune.prompts import DATE, FIXED_CLOCK, SLOTS


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """A prompt as text with `SLOTS` for data.

    `lead` precedes an answer, `end` is the token that ends one, and `leading` are the tokens
    before the text.
    """

    text: str
    lead: str
    end: int
    leading: Tokens

    @classmethod
    def of(cls, tokenizer: Any, text: str) -> RenderedPrompt:
        """Put `text` into the tokenizer's chat template, or leave it plain where it has none.

        An answer ends with the first token after an assistant's turn, or with EOS.
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


def _chat(tokenizer: Any, messages: Sequence[dict[str, str]], **options: Any) -> str:
    """Render messages on a fixed day, and without a thinking mode."""
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
    """Return the control token that `after` begins with, or EOS; raise Skip where there is none."""
    ids = fixed_tokens(tokenizer, after.lstrip())
    if ids and ids[0] in tokenizer.added_tokens_decoder:
        return ids[0]
    if tokenizer.eos_token_id is None:
        raise Skip("the tokenizer names no token that ends an answer (EOS)")
    end: int = tokenizer.eos_token_id
    return end
