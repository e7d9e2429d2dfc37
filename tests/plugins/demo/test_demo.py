"""The generated data: compositional, seeded, with families, a long tail and noise."""

import csv
import hashlib
import json
from collections import Counter
from dataclasses import fields
from random import Random
from statistics import mean, stdev
from xml.etree import ElementTree

import pytest
from benchbench_demo.architectures import ARCHITECTURES
from benchbench_demo.company_table import COLUMNS, write_table
from benchbench_demo.datasets import ClaimsOptions, DemoClaims, DemoPatents, PatentsOptions
from benchbench_demo.inventions import NOISE, draw_invention, members, pick
from benchbench_demo.miniatures import BACKBONES, MODELS
from benchbench_demo.pretrain import Recipe, pretrain
from benchbench_demo.pretraining_text import SEED as PRETRAINING_SEED
from benchbench_demo.pretraining_text import documents as pretraining_documents
from benchbench_demo.wipo_tree import write_tree
from benchbench_demo.world import CODES, DEVICES, FIELDS, FREQUENCY, UNITS, unit_of
from benchbench_demo.writing import write

from benchbench.catalog.lookup import load_catalog
from benchbench.contract.cell import Reference
from benchbench.contract.corpus import SPLITS
from benchbench.evidence import main_score
from benchbench.planning.preparation import prepare
from benchbench.records.store import Store, all_records
from tests.support.commands import benchbench


@pytest.fixture(scope="module")
def generated():
    return [(member, write(0, member)) for member in members(0, 1500)]


@pytest.mark.parametrize(
    ("dataset", "options"), [(DemoClaims, ClaimsOptions), (DemoPatents, PatentsOptions)]
)
def test_every_declared_parameter_has_a_typed_field(dataset, options):
    declared = [parameter.name for parameter in dataset.parameters]
    assert sorted(field.name for field in fields(options)) == sorted(declared)


def test_every_device_has_a_code_in_every_field_and_every_code_a_frequency():
    assert set(CODES) == set(DEVICES) == set(UNITS)
    assert all(set(codes) == set(FIELDS) for codes in CODES.values())
    assert sorted({code for codes in CODES.values() for code in codes.values()}) == sorted(
        FREQUENCY
    )


def test_neither_device_nor_field_alone_decides_a_label():
    for by_field in CODES.values():
        assert len(set(by_field.values())) > 1
    for field in FIELDS:
        assert len({CODES[device][field] for device in DEVICES}) > 1
    assert sum(outdoors != indoors for outdoors, indoors in UNITS.values()) >= 4


@pytest.mark.parametrize(("kind", "least"), [("parts", 0.6), ("things", 0.3)])
def test_words_are_shared_between_devices_and_between_fields(kind, least):
    owners = DEVICES if kind == "parts" else FIELDS
    words = Counter(word for owner in owners.values() for word in getattr(owner, kind))
    assert sum(count > 1 for count in words.values()) / len(words) > least


def test_the_same_seed_gives_the_same_documents_and_more_only_adds(generated):
    again = [(member, write(0, member)) for member in members(0, 300)]
    assert again[:299] == generated[:299]  # the last family may be cut
    assert [write(1, member) for member in members(1, 20)] != [patent for _, patent in again[:20]]


def test_the_documents_are_those_of_every_machine_and_python(generated):
    text = "\n".join(f"{member.codes} {member.unit} {patent}" for member, patent in generated)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "e04c58d0369af215"


def test_labels_have_a_long_tail_and_the_largest_is_far_from_all(generated):
    mains = Counter(member.codes[0][:4] for member, _ in generated)
    assert set(mains) == set(FREQUENCY)
    assert mains.most_common()[0][1] > 6 * mains.most_common()[-1][1]
    assert max(Counter(member.unit for member, _ in generated).values()) < len(generated) / 2


def test_a_few_percent_have_wrong_labels(generated):
    right = [
        member.unit == unit_of(member.invention.device, member.invention.field)
        and member.codes == member.invention.codes
        for member, _ in generated
    ]
    assert NOISE / 2 < 1 - sum(right) / len(right) < NOISE * 1.7


def test_the_prior_art_has_the_words_of_inventions_and_no_code(generated):
    misleading = 0
    for member, patent in generated:
        device, field = member.invention.known
        code = CODES[device][field]
        mentioned = any(f"{name} for" in patent.abstract for name in DEVICES[device].names)
        misleading += mentioned and code not in {c[:4] for c in member.invention.codes}
    assert misleading > len(generated) / 5


def test_members_of_a_family_are_near_duplicates(generated):
    families = {}
    for member, patent in generated:
        families.setdefault(member.family, []).append(patent)
    pairs = [family[:2] for family in families.values() if len(family) > 1]
    assert len(pairs) > 100
    shared = [_overlap(first.abstract, second.abstract) for first, second in pairs]
    assert sum(shared) / len(shared) > 0.6
    strangers = zip((p for _, p in generated), (p for _, p in generated[700:]), strict=False)
    apart = [_overlap(first.abstract, second.abstract) for first, second in strangers]
    assert sum(apart) / len(apart) < 0.1


def _overlap(first, second):
    sentences, others = set(first.split(". ")), set(second.split(". "))
    return len(sentences & others) / len(sentences | others)


def test_nothing_in_a_text_names_its_code_or_unit(generated):
    for member, patent in generated:
        text = " ".join((patent.title, patent.abstract, patent.claims, patent.description))
        assert not any(code[:4] in text for code in member.codes)


def test_pick_follows_its_weights_and_never_falls_off_the_end():
    random = Random(0)
    counts = Counter(pick(random, "abc", skew=1.0) for _ in range(6000))
    assert counts["a"] > counts["b"] > counts["c"] > 800

    class Edge(Random):
        def random(self):
            return 1.0 - 2**-53

    assert pick(Edge(), "abc", skew=0.3) == "c"


def test_an_invention_is_never_its_own_partner():
    for seed in range(300):
        invention = draw_invention(Random(seed))
        assert invention.partner != invention.device
        assert invention.second_field != invention.field


def test_the_table_is_a_csv_of_a_company(tmp_path):
    write_table(tmp_path / "claims.csv", 0, 80)
    with (tmp_path / "claims.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert tuple(rows[0]) == COLUMNS
    assert len({row["number"] for row in rows}) == len(rows) == 80
    assert {row["unit"] for row in rows} == {"dosing", "flow", "heat", "monitoring", "motion"}


def test_the_tree_has_the_format_of_wipo_alpha(tmp_path):
    write_tree(tmp_path, 0, 60)
    paths = sorted(tmp_path.rglob("*.xml"))
    assert len(paths) == 60
    families = {"train": set(), "test": set()}
    for path in paths:
        split, *place = path.relative_to(tmp_path).parts[:-1]
        record = ElementTree.fromstring(path.read_bytes())
        assert record.find("ipcs").get("mc").startswith("".join(place))
        assert record.find("abs/ab").text
        families[split].add(record.get("an"))
    assert families["train"] and families["test"] and not families["train"] & families["test"]


@pytest.mark.parametrize(("name", "labels"), [("demo-claims", 5), ("demo-patents", 19)])
def test_the_real_loaders_read_what_is_generated(name, labels, tmp_path, monkeypatch):
    import datasets

    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path))
    prepared = prepare(Reference(name, name, {"documents": 400}), load_catalog())
    corpus = prepared.description
    assert len(corpus.labels) == labels
    assert corpus.report.seen == corpus.report.loaded == 400
    assert sum(corpus.documents.values()) == 400
    groups = {
        split: set(datasets.Dataset.from_file(str(prepared.folder / f"{split}.arrow"))["group"])
        for split in SPLITS
    }
    for split in SPLITS:
        assert all(groups[split]), "every document has a family"
        assert not any(groups[split] & groups[other] for other in SPLITS if other != split)
    assert prepare(Reference(name, name, {"documents": 400}), load_catalog()) == prepared


def test_the_level_and_the_labels_of_the_tree_can_be_chosen(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path))
    params = {"documents": 300, "level": "section", "labels": "main"}
    prepared = prepare(Reference("demo-patents", "sections", params), load_catalog())
    assert prepared.description.kind == "single-label"
    assert list(prepared.description.labels.names) == list("ABCDEFGH")


def test_no_pretraining_text_is_in_a_dataset():
    seen = {text.split("\n")[1] for text in pretraining_documents(3000) if "\n" in text}
    drawn = {write(seed, member).abstract for seed in (0, 1) for member in members(seed, 1500)}
    assert not seen & drawn
    catalog = load_catalog()
    for name in ("demo-claims", "demo-patents"):
        (seed,) = (p for p in catalog.dataset(name).parameters if p.name == "data_seed")
        assert seed.maximum < PRETRAINING_SEED


@pytest.mark.parametrize("backbone", BACKBONES, ids=lambda backbone: backbone.name)
def test_a_miniature_is_what_its_card_says(backbone):
    from safetensors import safe_open

    card = json.loads((backbone.folder / "card.json").read_text())
    weights = backbone.folder / "model.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == card["sha256"]
    assert weights.stat().st_size <= 4_000_000
    with safe_open(weights, "pt") as file:
        tensors = [file.get_tensor(name) for name in file.keys()]  # noqa: SIM118
    assert {str(tensor.dtype) for tensor in tensors} == {"torch.bfloat16"}
    assert sum(tensor.numel() for tensor in tensors) == card["parameters"]
    assert 1_000_000 <= card["parameters"] <= 1_900_000
    assert "miniature" in card["what"] and "miniature" in backbone.description


def test_every_folder_of_models_is_supplied():
    assert {path.name for path in MODELS.iterdir()} == {backbone.name for backbone in BACKBONES}


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_pretraining_the_same_way_twice_gives_the_same_weights(tmp_path, name):
    recipe = Recipe(documents=200, steps=2, batch=2, block=32)
    cards = []
    for time in ("first", "second"):
        losses = [loss for _, loss in pretrain(ARCHITECTURES[name], recipe, tmp_path / time)]
        cards.append(json.loads((tmp_path / time / "card.json").read_text()))
        assert losses[-1] == pytest.approx(cards[-1]["final_loss"], abs=1e-4)
    assert cards[0] == cards[1]


def test_pretrained_weights_beat_random_weights(tmp_path):
    import torch
    from transformers import AutoTokenizer

    pretrained = MODELS / "nano-llama"
    tokenizer = AutoTokenizer.from_pretrained(pretrained)
    names = [f"random{seed}" for seed in range(3)]
    for seed, name in enumerate(names):
        torch.manual_seed(seed)
        ARCHITECTURES["nano-llama"].build(tokenizer).save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    benchbench(
        tmp_path, "run", "--dataset", "demo-claims", "--method", "frozen-embedding",
        "--backbone", "nano-llama", *(w for name in names for w in ("--backbone", f"./{name}")),
        "--store", "runs", "--offline",
    )  # fmt: skip
    store = Store(tmp_path / "runs")
    scores = {
        record.cell.backbone.name.removeprefix("./"): main_score(store, record)
        for record in all_records(store)
    }
    random = [scores.pop(name) for name in names]
    (learned,) = scores.values()
    assert learned > mean(random) + max(0.1, 2 * stdev(random))
