"""Corpora: from documents to checked, split and stored ones, and labels as arrays."""

from benchbench.kit.data.corpora import MAIN_METRICS, BuildOptions, build_corpus
from benchbench.kit.data.corpus_checks import Duplicates, check_corpus, find_duplicates
from benchbench.kit.data.corpus_store import (
    corpus_fault,
    corpus_stamp,
    describe_corpus,
    read_corpus,
    training_counts,
    write_corpus,
)
from benchbench.kit.data.document import Document
from benchbench.kit.data.sampling import limit_corpus
from benchbench.kit.data.splits import LabelSets, stratified_group_split, stratified_sample
from benchbench.kit.data.table_parameters import (
    BAD_ROW_PARAMETERS,
    SPLIT_PARAMETERS,
    unseen_labels,
)
from benchbench.kit.data.targets import class_index, multi_hot

__all__ = [
    "BAD_ROW_PARAMETERS",
    "MAIN_METRICS",
    "SPLIT_PARAMETERS",
    "BuildOptions",
    "Document",
    "Duplicates",
    "LabelSets",
    "build_corpus",
    "check_corpus",
    "class_index",
    "corpus_fault",
    "corpus_stamp",
    "describe_corpus",
    "find_duplicates",
    "limit_corpus",
    "multi_hot",
    "read_corpus",
    "stratified_group_split",
    "stratified_sample",
    "training_counts",
    "unseen_labels",
    "write_corpus",
]
