"""Exact scores of what may follow a prompt, by token tree, by prefix cache or plainly."""

from benchbench.kit.scoring.beginning import Beginning, option_of
from benchbench.kit.scoring.cached_prompts import CachedPrompts
from benchbench.kit.scoring.certified import PROVEN_BEST, CertifiedScores, certified_scores
from benchbench.kit.scoring.last_layer import hidden_states_at
from benchbench.kit.scoring.limits import context_length
from benchbench.kit.scoring.plain_scoring import PlainPrompts, answer_scores
from benchbench.kit.scoring.radix import RadixTrie
from benchbench.kit.scoring.scorer import PromptReader, ScorablePrompts, Scorer
from benchbench.kit.scoring.tree_scoring import chain_scores
from benchbench.kit.scoring.trie import Continuation, TokenTrie

__all__ = [
    "PROVEN_BEST",
    "Beginning",
    "CachedPrompts",
    "CertifiedScores",
    "Continuation",
    "PlainPrompts",
    "PromptReader",
    "RadixTrie",
    "ScorablePrompts",
    "Scorer",
    "TokenTrie",
    "answer_scores",
    "certified_scores",
    "chain_scores",
    "context_length",
    "hidden_states_at",
    "option_of",
]
