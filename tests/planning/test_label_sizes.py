"""The tokens of labels are counted roughly, and near what real vocabularies have."""

from __future__ import annotations

import json

import pytest

from benchbench.planning.label_sizes import label_sizes


@pytest.mark.parametrize(
    ("texts", "tokens", "nodes"),
    [
        (["A01B", "C07D"], 4.0, 8),
        (["card arrival", "card"], 2.0, 3),
        (["a/b"], 3.0, 3),
        ([], 1.0, 1),
        (["_"], 1.0, 1),
    ],
)
def test_words_digits_and_signs_count(texts, tokens, nodes):
    assert label_sizes(texts) == (tokens, nodes)


@pytest.mark.parametrize("name", ["llama3.1", "qwen2", "mistral-v3"])
def test_the_count_is_near_that_of_real_vocabularies(shared, name):
    from transformers import AutoTokenizer

    from benchbench.kit.scoring import Continuation, TokenTrie

    tokenizer = AutoTokenizer.from_pretrained(shared / "tokenizers" / name)
    labels = json.loads((shared / "data" / "banking77" / "categories.json").read_text())
    ids = tokenizer(labels, add_special_tokens=False)["input_ids"]
    trie = TokenTrie.build([Continuation((), (*row, 0)) for row in ids])
    tokens, nodes = label_sizes(labels)
    assert tokens == pytest.approx(sum(map(len, ids)) / len(ids), rel=0.35)
    assert nodes == pytest.approx(len(trie), rel=0.35)
