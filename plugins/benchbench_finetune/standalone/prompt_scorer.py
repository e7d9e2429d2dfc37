"""Scores of texts: a language model behind a prompt, every answer scored. `classifier.py` uses it.

It needs torch and transformers; peft where there is an adapter, and bitsandbytes where the base
model is held in 4 or 8 bits. `prompt.txt` shows the prompt.

The score of an answer is the sum of the log-probabilities of its tokens behind the prompt. A
prompt is read once, and its answers are read behind it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer

from .base_model import load_model, read_settings, token_ids

LEAST, MOST = -30.0, -1e-6
"""The limits of a log-probability that becomes log-odds."""
Tokens = list[int]
Answers = list[tuple[Tokens, Tokens]]
"""(what is given, what is scored) behind a prompt."""


class PromptScorer:
    """A model, its prompt, and how answers become scores of labels."""

    def __init__(self, folder: Path, base: str | None) -> None:
        self.settings = read_settings(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model, self.dtype = load_model(folder, base, self.settings)
        self.device = next(self.model.parameters()).device

    @torch.no_grad()
    def logits(self, texts: Sequence[str]) -> Any:
        """Return float32 [texts, labels]."""
        compute = {"one-label": self._one_label, "yes-no": self._yes_no, "list": self._list}
        score = compute[self.settings["format"]]
        before, after = self.settings["before"], self.settings["after"]
        documents = token_ids(self.tokenizer, texts, self.settings)
        rows = [score([*before, *ids, *after]) for ids in documents]
        labels = len(self.settings["labels"])
        return (torch.stack(rows) if rows else torch.empty(0, labels)).float().cpu().numpy()

    def _one_label(self, prompt: Tokens) -> Tensor:
        """Return the log-probability of each label with the end behind it, or of its code."""
        end = [] if self.settings["coded"] else [self.settings["end"]]
        return self._scores(prompt, [([], [*label, *end]) for label in self.settings["labels"]])

    def _yes_no(self, prompt: Tokens) -> Tensor:
        """Return the log-odds of yes, corrected for the questions that were drawn in training."""
        questions = [[*label, *self.settings["suffix"]] for label in self.settings["labels"]]
        answers = [(question, yes) for question in questions for yes in self.settings["answers"]]
        yes, no = self._scores(prompt, answers).view(-1, 2).unbind(-1)
        return yes - no + math.log(self.settings["rate"])

    def _list(self, prompt: Tokens) -> Tensor:
        """Return the log-odds of each label's largest probability in any step of the list."""
        labels, separator = self.settings["labels"], self.settings["separator"]
        best = torch.full((len(labels),), -torch.inf)
        unwritten = torch.ones(len(labels), dtype=torch.bool)
        for step in range(self.settings["max_listed"]):
            before = separator if step else []
            options = self._options(prompt, before)
            best = torch.maximum(best, options[:-1])
            value, chosen = torch.where(unwritten, options[:-1], -torch.inf).max(-1)
            if value < options[-1]:
                break
            unwritten[chosen] = False
            prompt = [*prompt, *before, *labels[int(chosen)]]
        best = best.clamp(LEAST, MOST)
        return best - torch.log(-torch.expm1(best))

    def _options(self, prompt: Tokens, before: Tokens) -> Tensor:
        """Return log-probabilities [labels + 1] of what may come next: each label, or the end."""
        separator, end = self.settings["separator"], [self.settings["end"]]
        listed = [
            [*before, *label, *after]
            for label in self.settings["labels"]
            for after in (separator, end)
        ]
        scores = self._scores(prompt, [([], tokens) for tokens in [*listed, end]]).cpu()
        labels = scores[:-1].view(-1, 2).logsumexp(-1)
        return torch.cat([labels, scores[-1:]]).log_softmax(-1)

    def _scores(self, prompt: Tokens, answers: Answers) -> Tensor:
        """Return float32 [answers]: the log-probability of what each has to score."""
        mixed = self.dtype != torch.float32
        with torch.autocast(self.device.type, self.dtype, enabled=mixed):
            ids = torch.tensor([prompt], device=self.device)
            read = self.model(ids, use_cache=True, logits_to_keep=1)
            size = self.settings["batch_size"]
            parts = [
                self._part(len(prompt), read, answers[start : start + size])
                for start in range(0, len(answers), size)
            ]
        return torch.cat(parts)

    def _part(self, start: int, read: Any, answers: Answers) -> Tensor:
        """Return the scores of a few answers behind a prompt that has been read."""
        whole = [[*given, *scored] for given, scored in answers]
        longest = max(map(len, whole))
        ids = torch.full((len(whole), longest), self.settings["pad"])
        counted = torch.zeros(len(whole), longest, dtype=torch.bool)
        for row, (given, scored) in enumerate(answers):
            ids[row, : len(whole[row])] = torch.tensor(whole[row])
            counted[row, len(given) : len(given) + len(scored)] = True
        ids, counted = ids.to(self.device), counted.to(self.device)
        logits = read.logits[:, -1:].expand(len(whole), -1, -1)
        if longest > 1:
            cache = copy.deepcopy(read.past_key_values)
            cache.batch_repeat_interleave(len(whole))
            places = torch.arange(start, start + longest - 1, device=self.device)
            behind = self.model(
                ids[:, :-1],
                past_key_values=cache,
                position_ids=places.expand(len(whole), -1),
                attention_mask=torch.ones(len(whole), start + longest - 1, device=self.device),
            ).logits
            logits = torch.cat([logits, behind], dim=1)
        chosen = logits.float().log_softmax(-1).gather(-1, ids[:, :, None])[:, :, 0]
        return chosen.masked_fill(~counted, 0.0).sum(-1)


def load_scorer(folder: Path, base: str | None) -> PromptScorer:
    """Return the scorer of a folder; `base` is where its base model is."""
    return PromptScorer(folder, base)
