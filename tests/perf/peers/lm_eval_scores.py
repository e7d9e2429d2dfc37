"""What a user runs: lm-evaluation-harness's log-likelihoods of every label behind every prompt.

Runs in the peer's environment with its settings as JSON; the last line it prints is the result.
The requests are token ids, so that both sides score the very same tokens.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from lm_eval.models.huggingface import HFLM

settings = json.loads(sys.argv[1])
asked = json.loads(Path(settings["asked"]).read_text(encoding="utf-8"))
torch.set_num_threads(settings["threads"])
model = HFLM(
    pretrained=settings["model"],
    device="cpu",
    dtype="float32",
    batch_size=settings["batch_size"],
)
requests = [(("", ""), prompt, label) for prompt in asked["prompts"] for label in asked["labels"]]
model._loglikelihood_tokens(requests[: 2 * settings["batch_size"]], disable_tqdm=True)
start = time.perf_counter()
found = model._loglikelihood_tokens(requests, disable_tqdm=True)
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "scores": [score for score, _ in found]}))
