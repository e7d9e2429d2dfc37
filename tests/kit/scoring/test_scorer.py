"""Scores by token tree are exactly those of each continuation on its own."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchbench import GuardError
from benchbench.kit.scoring.cached_prompts import CachedPrompts, parts_of
from benchbench.kit.scoring.plain_scoring import answer_scores, plain_scores
from benchbench.kit.scoring.scorer import Scorer
from benchbench.kit.scoring.tree_check import check_tree
from benchbench.kit.scoring.tree_scoring import chain_scores, score_tries
from benchbench.kit.scoring.trie import Continuation, TokenTrie
from tests.support.models import load_model, write_model

PROMPTS = [[0, 40, 41, 42, 43, 44, 45], [0, 50], [0, 60, 61, 62, 63]]
END = 1


def closed(*labels: tuple[int, ...]) -> TokenTrie:
    return TokenTrie.build([Continuation((), (*label, END)) for label in labels])


QUESTIONS = TokenTrie.build(
    [
        Continuation((*label, 90, 91), answer)
        for label in [(70,), (70, 71), (72, 73)]
        for answer in [(80,), (81, 82)]
    ]
)
TRIES = {
    "one label begins another": closed((70,), (70, 71), (70, 71, 72)),
    "all but the last token shared": closed((70, 71, 72), (70, 71, 73), (70, 71, 74)),
    "single tokens": closed((70,), (71,), (72,)),
    "one continuation of one token": TokenTrie.build([Continuation((), (70,))]),
    "questions with answers": QUESTIONS,
}


def score_continuations(model, prompts, trie, pad_id):
    """Return [prompts, continuations], as a training reads them."""
    import torch

    return torch.stack(score_tries(model, prompts, [trie] * len(prompts), pad_id))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {
        family: write_model(root / family, ["some text"], family=family)
        for family in ("llama", "mistral", "qwen2")
    }


@pytest.fixture(scope="module")
def model(folders):
    return load_model(folders["llama"]).model


@pytest.mark.parametrize("quantization", ["none", "nf4"])
@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2"])
def test_tree_scores_equal_plain_scores(folders, family, quantization):
    import torch

    model = load_model(folders[family], quantization=quantization).model
    for trie in TRIES.values():
        with torch.no_grad():
            tree = score_continuations(model, PROMPTS, trie, 0)
            plain = plain_scores(model, PROMPTS, trie, 0)
        assert tree.dtype == torch.float32
        assert (tree - plain).abs().max() < 1e-4
        assert torch.equal(tree.argmax(1), plain.argmax(1))


def test_plain_scores_are_the_log_probabilities_of_the_models_own_forward(model):
    import torch

    prompt, answer = [0, 40, 41], [70, 71, END]
    with torch.no_grad():
        logits = model(torch.tensor([[*prompt, *answer]])).logits[0].log_softmax(-1)
        expected = sum(logits[len(prompt) - 1 + at, token] for at, token in enumerate(answer))
        scores = answer_scores(model, [prompt, [0, 50, 51, 52, 53]], [answer, [70]], 0)
    assert scores[0].item() == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("trie", TRIES.values(), ids=TRIES)
def test_a_batch_of_unequal_prompts_scores_as_one_by_one_whatever_the_pad_token(model, trie):
    import torch

    with torch.no_grad():
        alone = torch.cat([score_continuations(model, [prompt], trie, 0) for prompt in PROMPTS])
        for pad_id in (0, 1, 77):
            together = score_continuations(model, PROMPTS, trie, pad_id)
            assert (together - alone).abs().max() < 1e-5


LABELS = st.lists(
    st.lists(st.integers(2, 12), min_size=1, max_size=5).map(tuple),
    min_size=1, max_size=12, unique=True,
)  # fmt: skip
TEXTS = st.lists(st.lists(st.integers(2, 90), min_size=1, max_size=9), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    LABELS, TEXTS, st.lists(st.integers(2, 90), max_size=8), st.booleans(), st.sampled_from([0, 5])
)
def test_whatever_the_labels_and_prompts_every_way_gives_the_plain_scores(
    model, labels, texts, head, ends, pad_id
):
    """Labels that begin others, shared beginnings, prompts that have all or nothing in common."""
    import torch

    prompts = [[*head, *text] for text in texts]
    trie = TokenTrie.build([Continuation((), (*label, END) if ends else label) for label in labels])
    scorer = Scorer(model, pad_id, True)
    with torch.no_grad():
        plain = plain_scores(model, prompts, trie, 0)
        reader = scorer.reader(prompts)
        assert (reader.read(prompts).scores(trie) - plain).abs().max() < 1e-4
        begun = reader.read(prompts[:1])
        longer = begun.followed_by([0, 0], [[7], [8, 9]])
        more = [[*prompts[0], 7], [*prompts[0], 8, 9]]
        assert (longer.scores(trie) - plain_scores(model, more, trie, 0)).abs().max() < 1e-4
        chains = [item.tokens for item in trie.continuations]
        by_chain = chain_scores(model, [prompts[0]] * len(chains), chains, pad_id)
        assert (by_chain - plain[0]).abs().max() < 1e-4


def test_what_prompts_begin_with_is_read_once_and_a_document_once(model):
    """Tokens that went through the model are counted: no prompt's twice, no label's beginning."""
    import torch

    head = [0, *range(20, 60)]
    prompts = [[*head, 40 + row, 41] for row in range(6)]
    trie = closed(*[(70, 100 + j) for j in range(90)], *[(71, 100 + j) for j in range(90)])
    seen = []

    def count(module, args, kwargs):
        seen.append(kwargs["input_ids"].shape)

    handle = model.model.register_forward_pre_hook(count, with_kwargs=True)
    try:
        with torch.no_grad():
            reader = Scorer(model, 0, True).reader(prompts)
            for first in (0, 3):
                reader.read(prompts[first : first + 3]).scores(trie)
    finally:
        handle.remove()
    assert len(parts_of(model, trie)) > 1
    assert seen[0] == (1, len(head))
    documents = [shape for shape in seen if shape[1] == 2]
    assert documents == [(3, 2), (3, 2)]
    nodes = sum(rows * columns for rows, columns in seen[1:]) - 12
    assert nodes <= 6 * (len(trie) + 2 * len(parts_of(model, trie)))


def test_a_model_without_attention_caches_is_scored_plainly():
    import torch
    import transformers

    config = transformers.MambaConfig(
        vocab_size=128, hidden_size=32, state_size=4, num_hidden_layers=2, pad_token_id=0
    )
    torch.manual_seed(0)
    model = transformers.MambaForCausalLM(config).eval()
    trie = TRIES["one label begins another"]
    scorer = Scorer.choose(model, 0, PROMPTS[0], trie, longest_row=20)
    assert (scorer.name, scorer.check.difference) == ("plain", None)
    assert scorer.check.reason in scorer.warning


def test_every_prompt_may_have_a_trie_of_its_own(model):
    import torch

    tries = list(TRIES.values())[: len(PROMPTS)]
    with torch.no_grad():
        by_prompt = score_tries(model, PROMPTS, tries, 0)
        for prompt, trie, scores in zip(PROMPTS, tries, by_prompt, strict=True):
            assert (scores - plain_scores(model, [prompt], trie, 0)[0]).abs().max() < 1e-4


def test_a_split_trie_gives_the_same_scores_in_the_same_order(model):
    import torch

    labels = [(70 + i, 100 + j) for i in range(8) for j in range(20)]
    trie = closed(*labels)
    assert len(parts_of(model, trie)) > 1
    scorer = Scorer(model, 0, True)
    with torch.no_grad():
        scores = scorer.scores(PROMPTS, trie)
        assert (scores - score_continuations(model, PROMPTS, trie, 0)).abs().max() < 1e-4


def test_the_terminator_keeps_a_label_apart_from_one_that_it_begins(model):
    """Without it the shorter label contains the longer one and can never lose to it."""
    import torch

    bare = TokenTrie.build([Continuation((), (70,)), Continuation((), (70, 71))])
    with torch.no_grad():
        scores = score_continuations(model, PROMPTS, bare, 0)
    assert (scores[:, 0] > scores[:, 1]).all()
    assert TRIES["one label begins another"].paths[0][:1] == (0,)
    assert len(set(TRIES["one label begins another"].paths)) == 3


def test_the_exact_sum_is_right_where_a_greedy_walk_is_wrong(model):
    """Many likely labels share the first token, and the best label begins with another one.

    The labels are searched for in the model's own distribution, which makes the example real.
    """
    import torch

    with torch.no_grad():
        bare = TokenTrie.build([Continuation((), (t,)) for t in range(2, 200)])
        firsts = plain_scores(model, PROMPTS[:1], bare, 0)[0]
        high, low = (firsts.argsort(descending=True)[:2] + 2).tolist()
        pairs = TokenTrie.build(
            [Continuation((), (first, t, END)) for first in (high, low) for t in range(2, 200)]
        )
        scores = score_continuations(model, PROMPTS[:1], pairs, 0)[0].view(2, -1)
    poor, rich = int(scores[0].argmin()) + 2, int(scores[1].argmax()) + 2
    labels = closed((high, poor), (low, rich))
    with torch.no_grad():
        exact = score_continuations(model, PROMPTS[:1], labels, 0)[0]
    greedy = 0  # its first token is likelier, and no choice is left after it
    assert firsts[high - 2] > firsts[low - 2]
    assert int(exact.argmax()) != greedy


def test_the_output_head_in_many_chunks_gives_the_same_scores(model, monkeypatch):
    import torch

    from benchbench.kit.scoring import cached_prompts, plain_scoring, vocabulary

    with torch.no_grad():
        tree = score_continuations(model, PROMPTS, QUESTIONS, 0)
        plain = plain_scores(model, PROMPTS, QUESTIONS, 0)
        monkeypatch.setattr(vocabulary, "LOGITS_AT_ONCE", 2 * model.config.vocab_size)
        monkeypatch.setattr(plain_scoring, "LOGITS_AT_ONCE", 2 * model.config.vocab_size)
        monkeypatch.setattr(plain_scoring, "TOKENS_AT_ONCE", 1)
        monkeypatch.setattr(cached_prompts, "ATTENTION_AT_ONCE", 1)
        assert (score_continuations(model, PROMPTS, QUESTIONS, 0) - tree).abs().max() < 1e-5
        assert (plain_scores(model, PROMPTS, QUESTIONS, 0) - plain).abs().max() < 1e-5
        scorer = Scorer(model, 0, True)
        assert (scorer.scores(PROMPTS, QUESTIONS) - tree).abs().max() < 1e-5


def test_gradients_by_tree_and_plain_are_the_same(folders):
    import torch

    model = load_model(folders["llama"]).model
    weight = model.model.layers[0].self_attn.q_proj.weight.requires_grad_(True)
    gradients = []
    read = lambda *a: CachedPrompts.of(a[0], a[1], a[3]).scores(a[2])  # noqa: E731
    for score in (score_continuations, read, plain_scores):
        score(model, PROMPTS, QUESTIONS, 0).sum().backward()
        gradients.append(weight.grad.clone())
        weight.grad = None
    assert gradients[0].abs().max() > 0
    assert torch.allclose(gradients[0], gradients[2], atol=1e-4)
    assert torch.allclose(gradients[1], gradients[2], atol=1e-4)


def test_a_row_longer_than_the_context_is_refused_with_both_numbers(model):
    long = [0] * 256
    with pytest.raises(GuardError, match=r"258 tokens.*256"):
        score_continuations(model, [long], closed((70, 71)), 0)
    with pytest.raises(GuardError, match=r"258 tokens.*256"):
        plain_scores(model, [long], closed((70, 71)), 0)


def test_a_row_longer_than_the_sliding_window_is_scored_plainly(folders):
    """A ready-made mask overrules the window, so that the tree would see too far."""
    import torch

    model = load_model(folders["mistral"]).model
    model.config.sliding_window = 6
    trie = closed((70, 71), (72,))
    with pytest.raises(GuardError, match="sees 6"):
        score_continuations(model, PROMPTS, trie, 0)
    scorer = Scorer.choose(model, 0, PROMPTS[0], trie, longest_row=9)
    assert (scorer.name, scorer.check.difference) == ("plain", None)
    assert scorer.check.reason in scorer.warning
    with torch.no_grad():
        assert torch.equal(scorer.scores(PROMPTS, trie), plain_scores(model, PROMPTS, trie, 0))


def test_a_model_that_disregards_the_mask_is_found_out_and_scored_plainly(folders):
    model = load_model(folders["llama"]).model
    trie = TRIES["all but the last token shared"]
    assert check_tree(model, PROMPTS[0], trie, 0).difference < 1e-4

    def causal_only(module, args, kwargs):
        mask = kwargs["attention_mask"]
        tree = mask is not None and mask.ndim == 4
        return args, kwargs | ({"attention_mask": None} if tree else {})

    model.model.register_forward_pre_hook(causal_only, with_kwargs=True)
    scorer = Scorer.choose(model, 0, PROMPTS[0], trie, longest_row=20)
    assert scorer.name == "plain"
    assert scorer.check.difference > 1e-3


def test_a_model_that_cannot_take_a_tree_at_all_is_scored_plainly(folders):
    model = load_model(folders["llama"]).model

    def refuse(module, args, kwargs):
        mask = kwargs["attention_mask"]
        if mask is not None and mask.ndim == 4:
            raise ValueError("two dimensions expected")

    model.model.register_forward_pre_hook(refuse, with_kwargs=True)
    scorer = Scorer.choose(model, 0, PROMPTS[0], QUESTIONS, longest_row=20)
    assert (scorer.name, scorer.check.difference) == ("plain", None)
    assert scorer.check.reason in scorer.warning


@pytest.mark.parametrize(
    ("family", "setting", "value", "attention"),
    [
        ("Gemma2", "final_logit_softcapping", 0.5, "eager"),  # its attention adds the mask
        ("Granite", "logits_scaling", 3.0, "sdpa"),
        ("Cohere", "logit_scale", 0.3, "sdpa"),
    ],
    ids=["Gemma2", "Granite", "Cohere"],
)
def test_what_a_family_does_behind_its_output_head_is_done_in_the_tree_too(
    family, setting, value, attention
):
    import torch
    import transformers

    config = getattr(transformers, f"{family}Config")(
        vocab_size=128,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        initializer_range=0.3,
        sliding_window=64,
        pad_token_id=0,
        bos_token_id=0,
        eos_token_id=1,
        attn_implementation=attention,
        **{setting: value},
    )
    torch.manual_seed(0)
    model = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    trie = TRIES["one label begins another"]
    assert check_tree(model, PROMPTS[0], trie, 0).difference < 1e-4
    with torch.no_grad():
        plain = plain_scores(model, PROMPTS, trie, 0)
        setattr(model.config, setting, 4 * value)  # as if the tree knew nothing of it
        assert (score_continuations(model, PROMPTS, trie, 0) - plain).abs().max() > 1e-3
