from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.kit.batching import (
    batches_digest,
    leading_tokens,
    length_bucketed_batches,
    pad,
    prediction_batches,
    tokenize_documents,
    tokenize_text,
)
from benchbench.kit.seeding import generator, seed_everything
from tests.support.models import WORDS, write_tokenizer

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=200)


@given(LENGTHS, st.integers(1, 17), st.integers(0, 5), st.integers(0, 3))
def test_an_epoch_holds_every_document_once(lengths, size, seed, epoch):
    batches = length_bucketed_batches(lengths, size, seed, epoch)
    assert sorted(chain.from_iterable(batches)) == list(range(len(lengths)))
    assert max(map(len, batches)) <= size
    assert len(batches) == -(-len(lengths) // size)


@given(LENGTHS, st.integers(1, 17), st.integers(0, 5))
def test_the_first_epoch_begins_with_the_batch_that_takes_most_memory(lengths, size, seed):
    batches = length_bucketed_batches(lengths, size, seed, 0)
    padded = [len(batch) * max(lengths[index] for index in batch) for batch in batches]
    assert padded[0] == max(padded)


def test_only_the_first_epoch_begins_with_the_largest_batch():
    """Of 25 batches, chance puts the largest first in about one epoch of 25."""
    lengths = generator(0, "lengths").integers(1, 200, 200).tolist()
    first = []
    for epoch in range(50):
        batches = length_bucketed_batches(lengths, 8, 0, epoch)
        padded = [len(batch) * max(lengths[index] for index in batch) for batch in batches]
        first.append(padded[0] == max(padded))
    assert first[0]
    assert sum(first) < 10


@given(LENGTHS, st.integers(1, 17))
def test_prediction_goes_from_the_longest_to_the_shortest(lengths, size):
    order = list(chain.from_iterable(prediction_batches(lengths, size)))
    assert [lengths[index] for index in order] == sorted(lengths, reverse=True)
    assert sorted(order) == list(range(len(lengths)))


def test_the_same_seed_gives_the_same_batches_and_another_epoch_others():
    lengths = generator(0, "lengths").integers(1, 200, 500).tolist()
    digests = {
        (seed, epoch): batches_digest(length_bucketed_batches(lengths, 8, seed, epoch))
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len(set(digests.values())) == 4
    seed_everything(99)  # the global generators have no say
    assert batches_digest(length_bucketed_batches(lengths, 8, 0, 0)) == digests[0, 0]


def test_bucketing_saves_most_of_the_padding():
    lengths = generator(0, "lengths").integers(1, 200, 2000).tolist()

    def padded(batches):
        return sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)

    shuffled = generator(1).permutation(2000).reshape(-1, 16).tolist()
    waste = padded(length_bucketed_batches(lengths, 16, 0, 0)) - sum(lengths)
    assert waste < 0.1 * (padded(shuffled) - sum(lengths))


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_stands_on_one_side_and_the_mask_says_where(side):
    ids, mask = pad([[5, 6, 7], [8]], pad_id=6, side=side)
    assert mask.tolist() == ([[1, 1, 1], [0, 0, 1]] if side == "left" else [[1, 1, 1], [1, 0, 0]])
    assert ids[mask.bool()].tolist() == [5, 6, 7, 8]
    assert ids[~mask.bool()].tolist() == [6, 6]


@pytest.fixture(scope="module", params=[True, False], ids=["with-bos", "without-bos"])
def tokenizer(request, tmp_path_factory):
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    return AutoTokenizer.from_pretrained(write_tokenizer(folder, [WORDS], bos=request.param))


def test_a_document_begins_with_bos_once_where_its_tokenizer_does_so(tokenizer):
    begin = leading_tokens(tokenizer)
    documents, _ = tokenize_documents(tokenizer, ["pump", "<s>pump</s>", "<s><s>"], 50)
    for document in documents:
        assert document[: len(begin)] == begin
        assert not {0, 1} & set(document[len(begin) :]), "a text spelled a special token"


def test_a_document_keeps_its_first_tokens_and_says_that_it_was_cut(tokenizer):
    begin = leading_tokens(tokenizer)
    whole = tokenizer(WORDS, add_special_tokens=False)["input_ids"]
    documents, cut = tokenize_documents(tokenizer, [WORDS, "pump"], 5)
    assert documents[0] == begin + whole[:5]
    assert cut == [True, False]
    assert tokenize_documents(tokenizer, [WORDS], len(whole))[1] == [False]


def test_an_empty_document_is_one_token(tokenizer):
    assert [len(ids) for ids in tokenize_documents(tokenizer, ["", "pump", ""], 5)[0]][::2] == [
        1,
        1,
    ]
    assert tokenize_documents(tokenizer, [], 5) == ([], [])


def test_chunks_do_not_change_what_is_read(tokenizer):
    texts = WORDS.split()
    assert tokenize_documents(tokenizer, texts, 3, chunk=2) == tokenize_documents(
        tokenizer, texts, 3
    )


@pytest.mark.parametrize("name", ["llama3.1", "qwen2", "stories260K", "phi3"])
def test_no_text_spells_a_special_token_of_a_real_tokenizer(shared, name):
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    folder = shared / "tokenizers"
    real = {
        "llama3.1": lambda: AutoTokenizer.from_pretrained(folder / "llama3.1"),
        "qwen2": lambda: AutoTokenizer.from_pretrained(folder / "qwen2"),
        "stories260K": lambda: AutoTokenizer.from_pretrained(shared / "models" / "stories260K-hf"),
        "phi3": lambda: PreTrainedTokenizerFast(
            tokenizer_file=str(folder / "phi3-mini.tokenizer.json")
        ),
    }[name]()
    specials = [*list(real.get_added_vocab())[:40], "<s>", "</s>", "[INST]", "<|im_end|>"]
    texts = [f"a{special}b {special} c" for special in specials]
    texts += ["<</s></s>s></s>", "ordinary text"]
    forbidden = set(real.get_added_vocab().values())
    begin = leading_tokens(real)
    for document in tokenize_documents(real, texts, 500)[0]:
        assert not forbidden & set(document[len(begin) :]), real.decode(document)
    assert (
        tokenize_text(real, texts[-1:])[0] == real(texts[-1], add_special_tokens=False)["input_ids"]
    )
