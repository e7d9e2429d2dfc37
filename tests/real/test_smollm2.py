"""What miniatures hide: a real pretrained model, in the dtypes that its users compute in."""

from __future__ import annotations

import pytest
from benchbench_finetune.verbalizer import codes, written_tokens

from benchbench.kit.scoring import Continuation, Scorer, TokenTrie
from benchbench.kit.training import autocast
from tests.support.commands import benchbench
from tests.support.models import load_model
from tests.support.real_models import MINILM, SMOLLM2, SMOLLM2_GGUF, real_model

TOPICS = ("World", "Sports", "Business", "Sci/Tech")
PROMPT = "Name the topic.\n\nText:\nThe bank raised its forecast for the year.\n\nTopic:"


def prompt_of(tokenizer):
    chat = [{"role": "user", "content": PROMPT}]
    return tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_labels_are_scored_by_tree_and_rounding_is_not_taken_for_a_fault(dtype):
    loaded = load_model(real_model(SMOLLM2), dtype=dtype)
    answers = written_tokens(loaded.tokenizer, TOPICS, "")
    trie = TokenTrie.build([Continuation((), (*answer, 2)) for answer in answers])
    with autocast(loaded):
        scorer = Scorer.choose(loaded.model, 2, prompt_of(loaded.tokenizer), trie, 64)
    assert scorer.tree, scorer.check
    assert scorer.warning is None
    if dtype == "bfloat16":
        assert scorer.check.noise > 0.01
        assert scorer.check.float32_difference < 1e-3
    else:
        assert scorer.check.difference < 1e-3


def test_a_label_has_its_own_token_as_its_code_behind_the_chat_template():
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(real_model(SMOLLM2))
    tokens = codes(tokenizer, written_tokens(tokenizer, TOPICS, ""))
    assert [tokenizer.decode(list(token)) for token in tokens] == ["World", "Sports", "Business", "Sci"]
