from __future__ import annotations

import torch
from torch import nn

from benchbench.kit.training.random_state import RandomState


def test_dropout_draws_the_same_again_and_goes_on_from_there():
    dropout, ones = nn.Dropout(0.5), torch.ones(64)
    before = RandomState.now("cpu")
    drawn = [dropout(ones), dropout(ones)]
    before.restore()
    again = [dropout(ones), dropout(ones)]
    assert all(map(torch.equal, drawn, again))
    assert not torch.equal(*drawn)
