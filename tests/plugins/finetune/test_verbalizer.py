"""A label is written as its text, or as a code of one token."""

from __future__ import annotations

import pytest
from benchbench_finetune.verbalizer import codes
from transformers import AutoTokenizer

from benchbench import LabelSpace, Skip
from tests.support.models import load_model, write_tokenizer
from tests.support.prompted import prompt_of

EIGHT = LabelSpace(tuple("ABCDEFGH"))


@pytest.mark.parametrize("format_name", ["one-label", "yes-no", "list"])
def test_codes_are_one_token_each_and_all_different(prompted_model, format_name):
    tokenizer = load_model(prompted_model).tokenizer
    coded, text = (
        prompt_of(
            tokenizer, EIGHT, format_name, 512,
            verbalizer=verbalizer, label_list="always", document_tokens=16, max_listed=2,
        )
        for verbalizer in ("code", "text")
    )  # fmt: skip
    assert len(set(coded.labels)) == len(EIGHT)
    assert all(len(tokens) == 1 for tokens in coded.labels)
    assert not {t for (t,) in coded.labels} & tokenizer.added_tokens_decoder.keys()
    assert coded.sha256 != text.sha256
    listing = tokenizer.decode(list(coded.head))
    for (token,), name in zip(coded.labels, EIGHT.texts, strict=True):
        assert f"{tokenizer.decode([token]).strip()} = {name}" in listing


def test_a_label_has_a_token_of_its_own_text_as_its_code_where_one_is_free(prompted_model):
    tokenizer = load_model(prompted_model).tokenizer
    written = [tuple(tokenizer(name)["input_ids"][1:]) for name in ("pump", "pump", "light")]
    first, second, third = (token for (token,) in codes(tokenizer, written))
    assert first in written[0]
    assert third in written[2]
    assert second not in (first, third)


def test_a_label_without_a_space_before_it_has_its_own_token_too(tmp_path):
    """As behind a chat template. Two tokens spell the same word, one of them with a space."""
    texts = ["one pump", "a pump", "the pump", "pump", "pump\npump", "light\nlight", " light"] * 20
    folder = write_tokenizer(tmp_path, texts, vocabulary=400, bos=False)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    spaced, bare = (tuple(tokenizer(text)["input_ids"]) for text in (" pump", "pump"))
    assert len(spaced) == len(bare) == 1
    assert codes(tokenizer, [bare]) == (bare,)
    assert codes(tokenizer, [spaced]) == (spaced,)
    first, second = codes(tokenizer, [bare, spaced])
    assert first == bare
    assert tokenizer.decode(second).strip() != "pump"


def test_a_vocabulary_with_too_few_words_for_codes_skips_the_cell(prompted_model):
    tokenizer = load_model(prompted_model).tokenizer
    with pytest.raises(Skip, match=r"each of 5000 labels, and the vocabulary has \d+ words"):
        codes(tokenizer, [(40,)] * 5000)
