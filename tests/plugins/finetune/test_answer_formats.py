"""One label, a question per label, or a list: what is learned, and how scores become logits."""

from __future__ import annotations

import pytest
from benchbench_finetune.answer_formats import GoldLabels, LabelList, OneLabel, YesNo

from benchbench import LabelSpace
from benchbench.kit.scoring import Scorer
from tests.support.models import load_model
from tests.support.prompted import prompt_of

CODES = LabelSpace(
    tuple(f"{s}{c:02}{x}" for s in "ABCDEFGH" for c in range(1, 9) for x in "BCDFGHKL")[:451]
)
"""So many subclasses as the patent corpus has, written as they are written there."""
EIGHT = LabelSpace(tuple("ABCDEFGH"))
SETTINGS = {"label_list": "never", "document_tokens": 16}


@pytest.mark.parametrize("format_name", ["yes-no", "list"])
@pytest.mark.parametrize("labels", [EIGHT, CODES], ids=["8 labels", "451 labels"])
def test_both_multi_label_formats_score_few_and_many_labels(prompted_model, labels, format_name):
    """Every label, alone and by tree, on prompts of two lengths; equal to plain scores."""
    import torch

    assert len(labels) in (8, 451)
    loaded = load_model(prompted_model)
    prompt = prompt_of(loaded.tokenizer, labels, format_name, 512, **SETTINGS, max_listed=2)
    answers = YesNo(prompt) if format_name == "yes-no" else LabelList(prompt, 2)
    prompts, _ = prompt.encode(loaded.tokenizer, ["pump valve", "light lens camera image"])
    scorer = Scorer.choose(loaded.model, 0, prompts[0], answers.trie, prompt.longest_row)
    assert scorer.tree
    with torch.no_grad():
        logits = answers.logits(scorer.reader(prompts).read(prompts))
        alone = [answers.logits(scorer.reader([prompt]).read([prompt])) for prompt in prompts]
    assert logits.shape == (2, len(labels))
    assert (logits - torch.cat(alone)).abs().max() < 1e-3
    if len(labels) == 8:
        plain = Scorer(loaded.model, 0, False)
        with torch.no_grad():
            assert (answers.logits(plain.reader(prompts).read(prompts)) - logits).abs().max() < 1e-3


@pytest.fixture(scope="module")
def formats(prompted_model):
    """The prompt of every format."""
    tokenizer = load_model(prompted_model).tokenizer
    return {
        name: prompt_of(tokenizer, EIGHT, name, 512, **SETTINGS, max_listed=3)
        for name in ("one-label", "yes-no", "list")
    }


def test_the_main_code_comes_first_and_the_others_by_name():
    assert GoldLabels.of([5, 2, 7, 9], main=5, weight=1.0, n_labels=8).labels == (5, 2, 7)
    assert GoldLabels.of([5, 2, 7], main=-1, weight=1.0, n_labels=8).labels == (2, 5, 7)


def test_a_list_too_long_is_cut_and_does_not_learn_to_end_there(formats):
    answers = LabelList(formats["list"], max_listed=3)
    end, separator = formats["list"].end, formats["list"].separator[0]
    whole, cut, none = (
        targets[0].answer
        for targets in answers.targets(
            [GoldLabels((1, 2, 3), 1.0), GoldLabels((1, 2, 3, 4), 1.0), GoldLabels((), 1.0)]
        )
    )
    assert whole[-1] == end
    assert whole[:-1] == cut
    assert cut.count(separator) == 2
    assert none == (end,)


def test_all_positives_and_so_many_negatives_are_drawn_anew_each_epoch(formats):
    golds = [GoldLabels((0, 3), 1.0), GoldLabels((), 1.0), GoldLabels(tuple(range(8)), 1.0)] * 20
    answers = YesNo(formats["yes-no"]).drawing(golds, negatives=4, seed=0)
    yes, no = formats["yes-no"].answers
    first, again, other = (answers.targets(golds, epoch) for epoch in (0, 0, 1))
    assert first == again != other
    counts = [sum(t.answer == yes for t in targets) for targets in first[:3]]
    assert counts == [2, 0, 8]
    assert [sum(t.answer == no for t in targets) for targets in first[:3]] == [4, 4, 0]
    assert all(len({t.context for t in targets}) == len(targets) for targets in first)
    assert answers.rate == pytest.approx(8 / 14)  # 4 of 6, 4 of 8, 0 of 0
    assert answers.answers_per_document == pytest.approx(18 / 3)


def test_the_log_odds_are_taken_back_by_the_sampling_rate(prompted_model, formats):
    import math

    import torch

    model = load_model(prompted_model).model
    scorer = Scorer(model, 0, True)
    with torch.no_grad():
        plain = YesNo(formats["yes-no"]).logits(scorer.reader([[0, 40, 41]]).read([[0, 40, 41]]))
        corrected = YesNo(formats["yes-no"], rate=0.05).logits(
            scorer.reader([[0, 40, 41]]).read([[0, 40, 41]])
        )
    assert torch.allclose(corrected, plain + math.log(0.05), atol=1e-5)


def test_the_sampling_rate_gives_back_the_odds_of_all_documents(formats):
    """The best constant log-odds on what is drawn, corrected, are those of everything."""
    import math
    import random

    random = random.Random(0)
    sizes = random.choices([0, 1, 2, 3], k=400)
    golds = [GoldLabels(tuple(sorted(random.sample(range(8), size))), 1.0) for size in sizes]
    answers = YesNo(formats["yes-no"]).drawing(golds, negatives=2, seed=0)
    learned = [target.answer for targets in answers.targets(golds, 0) for target in targets]
    yes = learned.count(formats["yes-no"].answers[0])
    drawn_odds = math.log(yes / (len(learned) - yes))
    odds = math.log(sum(sizes) / (8 * len(golds) - sum(sizes)))
    assert drawn_odds + math.log(answers.rate) == pytest.approx(odds, abs=1e-9)
    assert drawn_odds - odds > 1


class Scripted:
    """Prompts that score as a model would, one table per step, to follow the steps by hand."""

    def __init__(self, prompts, *steps, scored=None):
        self.prompts, self.steps = prompts, list(steps)
        self.scored = [] if scored is None else scored

    def scores(self, trie):
        import torch

        self.scored.append([list(prompt) for prompt in self.prompts])
        row = torch.tensor(self.steps[len(self.scored) - 1]).log()
        pairs = (row[:-1, None] / 1).expand(-1, 2) - 0.6931471805599453  # half each: go on, or end
        return torch.cat([pairs.reshape(-1), row[-1:]]).expand(len(self.prompts), -1)

    def followed_by(self, rows, pieces):
        longer = [[*self.prompts[row], *piece] for row, piece in zip(rows, pieces, strict=True)]
        return Scripted(longer, *self.steps, scored=self.scored)


def test_a_label_keeps_the_largest_probability_of_any_step(formats):
    import torch

    answers = LabelList(formats["list"], max_listed=3)
    quiet = [0.0125] * 6
    scripted = Scripted(
        [[0, 40]],
        [0.8, 0.1, *quiet, 0.025],  # writes label 0
        [0.2, 0.7, *quiet, 0.025],  # writes label 1
        [0.1, 0.3, *quiet, 0.525],  # ends
    )
    logits = answers.logits(scripted)
    expected = torch.tensor([[0.8, 0.7, *quiet]])
    assert torch.allclose(torch.sigmoid(logits), expected, atol=1e-5)
    labels, separator = formats["list"].labels, formats["list"].separator
    assert scripted.scored == [
        [[0, 40]],
        [[0, 40, *labels[0]]],
        [[0, 40, *labels[0], *separator, *labels[1]]],
    ]


def test_a_label_is_not_written_twice_and_the_list_has_an_end(formats):
    answers = LabelList(formats["list"], max_listed=3)
    stubborn = Scripted([[0, 40]], *[[0.9, 0.02, *[0.01] * 6, 0.02 - 0.001]] * 3)
    answers.logits(stubborn)
    assert len(stubborn.scored) == 3  # no more than `max_listed` steps
    written = stubborn.scored[-1][0][2:]
    labels, separator = formats["list"].labels, formats["list"].separator
    assert written == [*labels[0], *separator, *labels[1]]


def test_one_label_trie_keeps_every_label_in_order(formats):
    trie = OneLabel(formats["one-label"]).trie
    assert [c.answer[:-1] for c in trie.continuations] == list(formats["one-label"].labels)
    assert {c.answer[-1] for c in trie.continuations} == {formats["one-label"].end}
