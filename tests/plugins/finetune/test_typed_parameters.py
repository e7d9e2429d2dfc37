"""Every field of a dataclass of parameters is a declared parameter of that type."""

from __future__ import annotations

from dataclasses import fields
from types import UnionType
from typing import get_args, get_origin, get_type_hints

import pytest
from benchbench_baselines.tfidf_svm import SvmParameters, TfidfSvm
from benchbench_finetune.embedding_head import EmbeddingHead
from benchbench_finetune.encoder import Encoder
from benchbench_finetune.frozen_embedding import FrozenEmbedding, FrozenSettings
from benchbench_finetune.head import HeadSettings
from benchbench_finetune.instruction import Instruction
from benchbench_finetune.prompted_classifier import PromptedSettings
from benchbench_finetune.workloads import WorkloadParameters
from benchbench_finetune.zero_shot import ZeroShot

from benchbench.kit.training import AdapterSettings, TrainingPlan

SETTLED = {"kind", "format_name", "learning_rate", "max_listed", "shared_beginning"}
"""Fields that a method sets itself, from what the parameters and the task say."""
OPTIONAL = {
    (ZeroShot, "verbalizer"),
    (ZeroShot, "negatives"),
}


@pytest.mark.parametrize(
    ("method", "cls"),
    [
        (EmbeddingHead, HeadSettings),
        (EmbeddingHead, AdapterSettings),
        (EmbeddingHead, TrainingPlan),
        (Encoder, HeadSettings),
        (Encoder, TrainingPlan),
        (FrozenEmbedding, FrozenSettings),
        (Instruction, PromptedSettings),
        (Instruction, AdapterSettings),
        (Instruction, TrainingPlan),
        (ZeroShot, PromptedSettings),
        (TfidfSvm, SvmParameters),
    ],
    ids=lambda value: value.__name__,
)
def test_every_field_is_a_declared_parameter_of_its_type(method, cls):
    declared = {parameter.name: parameter for parameter in method.parameters}
    hints = get_type_hints(cls)
    for field in fields(cls):
        if field.name in SETTLED or (method, field.name) in OPTIONAL:
            continue
        parameter, hint = declared[field.name], hints[field.name]
        expected = {parameter.type, *({str} if parameter.words else ())}
        assert expected == set(get_args(hint) if get_origin(hint) is UnionType else (hint,))


def test_every_parameter_that_decides_the_work_is_one_of_some_method():
    methods = (EmbeddingHead, Encoder, FrozenEmbedding, Instruction, ZeroShot)
    declared = {parameter.name for method in methods for parameter in method.parameters}
    assert {field.name for field in fields(WorkloadParameters)} <= declared
