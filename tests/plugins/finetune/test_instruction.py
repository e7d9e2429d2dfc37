"""Instruction tuning and zero-shot, end to end on tiny random models."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from benchbench_finetune.answer_formats import Gold, LabelList, OneLabel, YesNo
from benchbench_finetune.instruction import Instruction
from benchbench_finetune.prompted_classifier import ask, gold_labels
from benchbench_finetune.prompts import codes, prompt_format
from benchbench_finetune.zero_shot import ZeroShot

from benchbench import BenchbenchError, GuardError, LabelSpace, Skip, Task
from benchbench.contract.parameters import resolve
from benchbench.kit.scoring.scorer import Scorer
from tests.support.models import bind_model, load_model, write_model

TOPICS = {
    "engines": "engine gear wheel brake",
    "lenses": "light lens camera image",
    "pumps": "pump valve water pressure",
}
CODES = LabelSpace(
    tuple(f"{s}{c:02}{x}" for s in "ABCDEFGH" for c in range(1, 9) for x in "BCDFGHKL")[:451]
)
"""So many subclasses as the patent corpus has, in the way that they are written."""
EIGHT = LabelSpace(tuple("ABCDEFGH"))


def documents(count: int, seed: int, multi: bool) -> tuple[LabelSpace, dict]:
    import random

    random = random.Random(seed)
    names = tuple(sorted(TOPICS))
    texts, labels = [], []
    for _ in range(count):
        size = random.choice([1, 1, 2]) if multi else 1
        own = sorted(random.sample(range(3), size))
        words = [random.choice(TOPICS[names[label]].split()) for label in own for _ in range(4)]
        texts.append(" ".join(random.sample(words, len(words))))
        labels.append(own)
    columns = {
        "id": [str(number) for number in range(count)],
        "text": texts,
        "labels": labels,
        "main": [own[0] for own in labels],
        "group": [""] * count,
        "weight": [1.0] * count,
    }
    return LabelSpace(names), columns


def task_of(folder, method, *, multi=False, seed=0, backbone=None, train=96, **params) -> Task:
    import datasets

    labels, columns = documents(train, 1, multi)
    _, held_out = documents(48, 2, multi)
    values, faults = resolve(method.name, method.parameters, params)
    assert not faults
    return Task(
        kind="multi-label" if multi else "single-label",
        labels=labels,
        train=datasets.Dataset.from_dict(columns),
        validation=datasets.Dataset.from_dict(held_out),
        backbone=bind_model(folder) if backbone is None else backbone,
        seed=seed,
        params=values,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    texts = [*TOPICS, *TOPICS.values(), *documents(50, 3, True)[1]["text"]] * 4
    texts += ["Read the text and name the one category that it belongs to. Yes or no yes no"] * 4
    folder = write_model(tmp_path_factory.mktemp("model") / "tiny", texts, context=512)
    sharpen(folder / "model.safetensors")
    return folder


def sharpen(weights):
    """Let the frozen output head speak as firmly as a pretrained one: logits up to 20, not 3."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(weights)
    tensors["lm_head.weight"] *= 6
    save_file(tensors, weights, metadata={"format": "pt"})


QUICK = {
    "epochs": 12,
    "patience": 0,
    "learning_rate": 0.005,
    "dropout": 0.0,
    "document_tokens": 32,
}


@pytest.fixture(scope="module")
def fitted(folder):
    """One fitted classifier a way, with its task."""
    cases = {
        "one-label": {"multi": False},
        "yes-no": {"multi": True, "negatives": 1},
        "list": {"multi": True, "multi_label": "list"},
    }
    method, found = Instruction(), {}
    for way, options in cases.items():
        task = task_of(folder, method, train=192, **QUICK, **options)
        found[way] = (task, method.fit(task))
    return found


WAYS = ["one-label", "yes-no", "list"]


def gold_matrix(split, labels):
    from benchbench.kit.data.targets import multi_hot

    return multi_hot(split["labels"], labels)


def test_a_toy_task_is_learned_single_label(fitted):

    task, classifier = fitted["one-label"]
    logits = classifier.predict_logits(task.validation["text"])
    assert (logits.dtype, logits.shape) == (np.float32, (48, 3))
    accuracy = (logits.argmax(1) == np.array(task.validation["main"])).mean()
    assert accuracy > 0.9


@pytest.mark.parametrize("way", ["yes-no", "list"])
def test_a_toy_task_is_learned_multi_label(fitted, way):
    task, classifier = fitted[way]
    gold = gold_matrix(task.validation, 3)
    decided = classifier.predict_logits(task.validation["text"]) > 0
    micro_f1 = 2 * (decided * gold).sum() / (decided.sum() + gold.sum())
    always_yes = 2 * gold.sum() / (gold.size + gold.sum())
    assert always_yes < 0.65
    assert micro_f1 > 0.7
    assert classifier.facts["multi_label_way"] == way


@pytest.mark.parametrize("way", WAYS)
def test_the_record_gets_its_facts(fitted, way):
    _, classifier = fitted[way]
    facts = classifier.facts
    assert facts["scoring"] == "tree"
    assert facts["tree_difference"] < 1e-3
    assert facts["trainable_parameters"] < facts["total_parameters"]
    assert facts["truncated_share"] == 0
    assert facts["learning_rate"] == 0.005
    assert len(facts["prompt_sha256"]) == len(facts["batches_digest"]) == 64
    guards = dict(facts["guards"])
    assert guards.pop("the base is really quantised") == "not applicable"  # it is whole here
    assert set(guards.values()) == {"passed"}
    assert facts["label_listed"] == (way != "yes-no")
    assert (facts["negatives_rate"] is not None) == (way == "yes-no")
    assert (facts["max_listed"] == 2) == (way == "list")


@pytest.mark.parametrize("way", WAYS)
def test_logits_keep_the_order_of_texts_and_do_not_depend_on_the_batch(fitted, way):

    task, classifier = fitted[way]
    texts = [text * (1 + number % 3) for number, text in enumerate(task.validation["text"][:12])]
    together = classifier.predict_logits(texts)
    alone = np.concatenate([classifier.predict_logits([text]) for text in texts])
    backwards = classifier.predict_logits(texts[::-1])[::-1]
    assert np.abs(together - alone).max() < 1e-4
    assert np.abs(together - backwards).max() < 1e-5
    assert np.array_equal(together > 0, alone > 0)
    assert classifier.predict_logits([]).shape == (0, 3)


LOAD = """
import sys, numpy as np
from pathlib import Path
from benchbench_finetune.instruction import Instruction
from tests.support.models import bind_model
for folder in map(Path, sys.argv[2:]):
    classifier = Instruction().load(folder, bind_model(Path(sys.argv[1])))
    texts = (folder / "probes.txt").read_text().splitlines()
    np.save(folder / "logits.npy", classifier.predict_logits(texts))
"""


def test_saved_classifiers_answer_the_same_in_a_fresh_process(fitted, folder, tmp_path):

    for way, (task, classifier) in fitted.items():
        classifier.save(tmp_path / way)
        (tmp_path / way / "probes.txt").write_text("\n".join(task.validation["text"][:32]))
    folders = [str(tmp_path / way) for way in fitted]
    subprocess.run([sys.executable, "-c", LOAD, str(folder), *folders], check=True)
    for way, (task, classifier) in fitted.items():
        loaded = np.load(tmp_path / way / "logits.npy")
        assert loaded.shape == (32, 3)
        assert np.abs(loaded - classifier.predict_logits(task.validation["text"][:32])).max() < 1e-5


def test_a_changed_prompt_or_label_list_is_refused_on_load(fitted, folder, tmp_path):
    _, classifier = fitted["one-label"]
    classifier.save(tmp_path)
    settings = tmp_path / "settings.json"
    kept = settings.read_text()
    settings.write_text(kept.replace('"label_list": "auto"', '"label_list": "never"'))
    with pytest.raises(GuardError, match="prompt is not the one"):
        Instruction().load(tmp_path, bind_model(folder))
    settings.write_text(kept)
    labels = tmp_path / "labels.json"
    labels.write_text(labels.read_text().replace("engines", "engine x"))
    with pytest.raises(GuardError, match="edited"):
        Instruction().load(tmp_path, bind_model(folder))


def test_equal_seeds_give_equal_logits_and_other_seeds_other_ones(folder):

    method, logits = Instruction(), []
    for seed in (0, 0, 1):
        task = task_of(folder, method, seed=seed, epochs=1, train=32)
        classifier = method.fit(task)
        logits.append(classifier.predict_logits(task.validation["text"][:8]))
    assert np.array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])


def test_instruction_tuning_works_on_a_four_bit_base(folder):
    method = Instruction()
    task = task_of(
        folder, method, backbone=bind_model(folder, quantization="nf4"), epochs=1, train=32
    )
    classifier = method.fit(task)
    assert classifier.facts["four_bit_modules"] == 14
    assert classifier.facts["scoring"] == "tree"


def test_where_the_tree_cannot_be_used_the_logits_are_the_same(fitted):

    for way in WAYS:
        task, classifier = fitted[way]
        plain = replace(classifier, scorer=replace(classifier.scorer, tree=False))
        texts = task.validation["text"][:6]
        difference = np.abs(plain.predict_logits(texts) - classifier.predict_logits(texts))
        assert difference.max() < 1e-3


@pytest.mark.parametrize("multi", [False, True], ids=["single-label", "multi-label"])
@pytest.mark.parametrize("way", ["yes-no", "list"])
def test_zero_shot_asks_the_backbone_as_it_is(folder, multi, way, tmp_path):

    method = ZeroShot()
    task = task_of(folder, method, multi=multi, multi_label=way)
    classifier = method.fit(task)
    assert classifier.facts["trainable_parameters"] == 0
    assert not classifier.loaded.model.training
    logits = classifier.predict_logits(task.validation["text"][:8])
    assert logits.shape == (8, 3)
    assert np.isfinite(logits).all()
    classifier.save(tmp_path)
    assert not (tmp_path / "adapter.json").exists()
    again = method.load(tmp_path, task.backbone)
    assert np.array_equal(again.predict_logits(task.validation["text"][:8]), logits)


@pytest.mark.parametrize("method", [Instruction(), ZeroShot()], ids=["instruction", "zero-shot"])
def test_a_missing_backbone_is_a_users_fault(folder, method, tmp_path):
    task = replace(task_of(folder, method), backbone=None)
    with pytest.raises(BenchbenchError, match="--backbone"):
        method.fit(task)


def test_a_label_list_that_does_not_fit_skips_the_cell(tmp_path):
    small = write_model(tmp_path / "small", ["text"], context=64)
    task = task_of(small, Instruction(), label_list="always")
    with pytest.raises(Skip, match=r"\d+ tokens and the model's context has 64"):
        Instruction().fit(task)


@pytest.mark.parametrize("way", ["yes-no", "list"])
@pytest.mark.parametrize("labels", [EIGHT, CODES], ids=["8 labels", "451 labels"])
def test_both_multi_label_ways_score_few_and_many_labels(folder, labels, way):
    """Every label, alone and by tree, on prompts of two lengths; equal to plain scores."""
    import torch

    assert len(labels) in (8, 451)
    loaded = load_model(folder)
    params = {"label_list": "never", "document_tokens": 16}
    format = prompt_format(loaded.tokenizer, labels, way, 512, params, listed=2)
    answering = YesNo(format) if way == "yes-no" else LabelList(format, 2)
    prompts, _ = format.encode(loaded.tokenizer, ["pump valve", "light lens camera image"])
    scorer = Scorer.choose(loaded.model, 0, prompts[0], answering.trie, format.longest_row)
    assert scorer.tree
    with torch.no_grad():
        logits = answering.logits(scorer.reader(prompts).read(prompts))
        alone = [answering.logits(scorer.reader([prompt]).read([prompt])) for prompt in prompts]
    assert logits.shape == (2, len(labels))
    assert (logits - torch.cat(alone)).abs().max() < 1e-3
    if len(labels) == 8:
        plain = Scorer(loaded.model, 0, False, None)
        with torch.no_grad():
            assert (
                answering.logits(plain.reader(prompts).read(prompts)) - logits
            ).abs().max() < 1e-3


@pytest.mark.parametrize(("labels", "way"), [(64, "yes-no"), (65, "list")])
def test_the_multi_label_way_goes_by_the_number_of_labels(folder, labels, way):
    method = ZeroShot()
    task = task_of(folder, method, multi=True, label_list="never")
    names = tuple(sorted([*task.labels.names, *(f"x{n:02}" for n in range(labels - 3))]))
    classifier = method.fit(replace(task, labels=LabelSpace(names)))
    assert classifier.facts["multi_label_way"] == way


@pytest.fixture(scope="module")
def format(folder):
    params = {"label_list": "never", "document_tokens": 16}
    tokenizer = load_model(folder).tokenizer
    return {
        way: prompt_format(tokenizer, EIGHT, way, 512, params, listed=3)
        for way in ("one-label", "yes-no", "list")
    }


def test_the_main_code_comes_first_and_the_others_by_name():
    assert Gold.of([5, 2, 7, 9], main=5, weight=1.0, n_labels=8).labels == (5, 2, 7)
    assert Gold.of([5, 2, 7], main=-1, weight=1.0, n_labels=8).labels == (2, 5, 7)


def test_a_list_too_long_is_cut_and_does_not_learn_to_end_there(format):
    way = LabelList(format["list"], listed=3)
    end, separator = format["list"].end, format["list"].separator[0]
    whole, cut, none = (
        targets[0].answer
        for targets in way.targets([Gold((1, 2, 3), 1.0), Gold((1, 2, 3, 4), 1.0), Gold((), 1.0)])
    )
    assert whole[-1] == end
    assert whole[:-1] == cut
    assert cut.count(separator) == 2
    assert none == (end,)


def test_all_positives_and_so_many_negatives_are_asked_anew_each_epoch(format):
    golds = [Gold((0, 3), 1.0), Gold((), 1.0), Gold(tuple(range(8)), 1.0)] * 20
    way = YesNo(format["yes-no"]).drawing(golds, negatives=4, seed=0)
    yes, no = format["yes-no"].answers
    first, again, other = (way.targets(golds, epoch) for epoch in (0, 0, 1))
    assert first == again != other
    counts = [sum(t.answer == yes for t in own) for own in first[:3]]
    assert counts == [2, 0, 8]
    assert [sum(t.answer == no for t in own) for own in first[:3]] == [4, 4, 0]
    assert all(len({t.context for t in own}) == len(own) for own in first)
    assert way.rate == pytest.approx(8 / 14)  # 4 of 6, 4 of 8, 0 of 0
    assert way.answers_each == pytest.approx(18 / 3)


def test_the_log_odds_are_taken_back_by_the_sampling_rate(folder, format):
    import math

    import torch

    model = load_model(folder).model
    scorer = Scorer(model, 0, True, None)
    with torch.no_grad():
        plain = YesNo(format["yes-no"]).logits(scorer.reader([[0, 40, 41]]).read([[0, 40, 41]]))
        corrected = YesNo(format["yes-no"], rate=0.05).logits(
            scorer.reader([[0, 40, 41]]).read([[0, 40, 41]])
        )
    assert torch.allclose(corrected, plain + math.log(0.05), atol=1e-5)


def test_the_sampling_rate_gives_back_the_odds_of_all_documents(format):
    """The best constant log-odds on what is drawn, corrected, are those of everything."""
    import math
    import random

    random = random.Random(0)
    sizes = random.choices([0, 1, 2, 3], k=400)
    golds = [Gold(tuple(sorted(random.sample(range(8), size))), 1.0) for size in sizes]
    way = YesNo(format["yes-no"]).drawing(golds, negatives=2, seed=0)
    answers = [target.answer for own in way.targets(golds, 0) for target in own]
    yes = answers.count(format["yes-no"].answers[0])
    drawn_odds = math.log(yes / (len(answers) - yes))
    odds = math.log(sum(sizes) / (8 * len(golds) - sum(sizes)))
    assert drawn_odds + math.log(way.rate) == pytest.approx(odds, abs=1e-9)
    assert drawn_odds - odds > 1


class Scripted:
    """A reading that scores as a model would, one table a step, to follow the steps by hand."""

    def __init__(self, prompts, *steps, asked=None):
        self.prompts, self.steps = prompts, list(steps)
        self.asked = [] if asked is None else asked

    def scores(self, trie):
        import torch

        self.asked.append([list(prompt) for prompt in self.prompts])
        row = torch.tensor(self.steps[len(self.asked) - 1]).log()
        pairs = (row[:-1, None] / 1).expand(-1, 2) - 0.6931471805599453  # half each: go on, or end
        return torch.cat([pairs.reshape(-1), row[-1:]]).expand(len(self.prompts), -1)

    def followed_by(self, rows, pieces):
        longer = [[*self.prompts[row], *piece] for row, piece in zip(rows, pieces, strict=True)]
        return Scripted(longer, *self.steps, asked=self.asked)


def test_a_label_keeps_the_largest_probability_of_any_step(format):
    import torch

    way = LabelList(format["list"], listed=3)
    quiet = [0.0125] * 6
    scripted = Scripted(
        [[0, 40]],
        [0.8, 0.1, *quiet, 0.025],  # writes label 0
        [0.2, 0.7, *quiet, 0.025],  # writes label 1
        [0.1, 0.3, *quiet, 0.525],  # ends
    )
    logits = way.logits(scripted)
    expected = torch.tensor([[0.8, 0.7, *quiet]])
    assert torch.allclose(torch.sigmoid(logits), expected, atol=1e-5)
    labels, separator = format["list"].labels, format["list"].separator
    assert scripted.asked == [
        [[0, 40]],
        [[0, 40, *labels[0]]],
        [[0, 40, *labels[0], *separator, *labels[1]]],
    ]


def test_a_label_is_not_written_twice_and_the_list_has_an_end(format):
    way = LabelList(format["list"], listed=3)
    stubborn = Scripted([[0, 40]], *[[0.9, 0.02, *[0.01] * 6, 0.02 - 0.001]] * 3)
    way.logits(stubborn)
    assert len(stubborn.asked) == 3  # no more than `listed` steps
    written = stubborn.asked[-1][0][2:]
    labels, separator = format["list"].labels, format["list"].separator
    assert written == [*labels[0], *separator, *labels[1]]


def test_documents_weigh_as_they_are_told(folder):
    """A document of weight zero changes nothing, wherever its label points."""

    method, logits = Instruction(), []
    for label in (0, 1):
        task = task_of(folder, method, epochs=1, train=32, dropout=0.0)
        columns = task.train.to_dict()
        columns["weight"] = [0.0, *[1.0] * 31]
        columns["labels"][0], columns["main"][0] = [label], label
        task = replace(task, train=type(task.train).from_dict(columns))
        logits.append(method.fit(task).predict_logits(task.validation["text"][:8]))
    assert np.abs(logits[0] - logits[1]).max() < 1e-5


def test_a_validation_label_that_training_never_saw_does_not_stop_the_run(folder):
    method = Instruction()
    task = task_of(folder, method, epochs=1, train=32)
    columns = task.validation.to_dict()
    columns["labels"][0], columns["main"][0] = [3], 3
    classifier = method.fit(replace(task, validation=type(task.validation).from_dict(columns)))
    assert classifier.predict_logits(columns["text"]).shape == (48, 3)


def test_one_label_trie_keeps_every_label_in_order(format):
    trie = OneLabel(format["one-label"]).trie
    assert [c.answer[:-1] for c in trie.continuations] == list(format["one-label"].labels)
    assert {c.answer[-1] for c in trie.continuations} == {format["one-label"].end}


def test_asking_names_the_way_it_settled_on(folder):
    task = task_of(folder, Instruction(), multi=True, multi_label="list", max_listed=1)
    loaded = task.backbone.load()
    classifier = ask(task, loaded, gold_labels(task.train, 3))
    assert (classifier.settings.way, classifier.settings.listed) == ("list", 1)


@pytest.mark.parametrize("kind", ["one-label", "yes-no", "list"])
def test_codes_are_one_token_each_and_all_different(folder, kind):
    tokenizer = load_model(folder).tokenizer
    params = {"label_list": "always", "document_tokens": 16, "verbalizer": "code"}
    coded = prompt_format(tokenizer, EIGHT, kind, 512, params, listed=2)
    text = prompt_format(tokenizer, EIGHT, kind, 512, {**params, "verbalizer": "text"}, listed=2)
    assert len(set(coded.labels)) == len(EIGHT)
    assert all(len(tokens) == 1 for tokens in coded.labels)
    assert not {t for (t,) in coded.labels} & tokenizer.added_tokens_decoder.keys()
    assert coded.sha256 != text.sha256
    listing = tokenizer.decode(list(coded.head))
    for (token,), name in zip(coded.labels, EIGHT.texts, strict=True):
        assert f"{tokenizer.decode([token]).strip()} = {name}" in listing


def test_a_label_has_a_token_of_its_own_text_as_its_code_where_one_is_free(folder):
    tokenizer = load_model(folder).tokenizer
    written = [tuple(tokenizer(name)["input_ids"][1:]) for name in ("pump", "pump", "light")]
    first, second, third = (token for (token,) in codes(tokenizer, written))
    assert first in written[0]
    assert third in written[2]
    assert second not in (first, third)


def test_a_vocabulary_with_too_few_words_for_codes_skips_the_cell(folder):
    tokenizer = load_model(folder).tokenizer
    with pytest.raises(Skip, match=r"each of 5000 labels, and the vocabulary has \d+ words"):
        codes(tokenizer, [(40,)] * 5000)


CODED = {
    "verbalizer": "code",
    "multi_label": "list",
    "label_list": "never",
    "learning_rate": 1e-2,
    "epochs": 15,
    "patience": 0,
}


@pytest.mark.parametrize("multi", [False, True], ids=["single-label", "multi-label"])
def test_codes_are_learned_saved_and_loaded(folder, tmp_path, multi):
    method = Instruction()
    task = task_of(folder, method, multi=multi, **CODED)
    classifier = method.fit(task)
    texts = task.validation["text"]
    logits = classifier.predict_logits(texts)
    classifier.save(tmp_path)
    again = method.load(tmp_path, task.backbone)
    assert np.array_equal(again.predict_logits(texts), logits)
    if not multi:
        assert len(classifier.way.trie) == 0  # no token of a label is ever read
        assert (logits.argmax(1) == np.array(task.validation["main"])).mean() > 0.9


def test_certified_answers_are_those_of_complete_ones_and_say_what_they_left_out(folder, tmp_path):
    method = Instruction()
    task = task_of(folder, method, scoring="certified")
    classifier = method.fit(task)
    texts = task.validation["text"]
    found = classifier.predict_logits(texts)
    facts = classifier.facts["certified"]
    assert facts["documents"] == len(texts)
    assert 0 < facts["labels_scored"] <= len(texts) * len(task.labels)
    assert facts["largest_left_out"] < 1e-4
    classifier.save(tmp_path)
    complete = replace(
        method.load(tmp_path, task.backbone), way=replace(classifier.way, tally=None)
    )
    assert np.abs(method.load(tmp_path, task.backbone).predict_logits(texts) - found).max() < 1e-5
    expected = complete.predict_logits(texts)
    assert (found.argmax(1) == expected.argmax(1)).all()
    softmax = lambda rows: np.exp(rows) / np.exp(rows).sum(1, keepdims=True)  # noqa: E731
    assert np.abs(softmax(found) - softmax(expected)).max() < 2e-4
