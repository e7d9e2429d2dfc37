"""What a user writes: TRL's SFTTrainer on prompt and completion, NF4 and LoRA from peft.

Runs in the peer's environment with its settings as JSON; the last line it prints is the result.
The loss is on the completion alone, which is SFTTrainer's own rule for such data. Where
"score" is set, the trained model is saved merged in float32, for others to score labels with.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, set_seed
from trl import SFTConfig, SFTTrainer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from peak import peak_mb

settings = json.loads(sys.argv[1])
rows = json.loads(Path(settings["data"]).read_text(encoding="utf-8"))
set_seed(settings["seed"])
on_gpu = settings["device"] == "cuda"
dtype = torch.bfloat16 if on_gpu else torch.float32

tokenizer = AutoTokenizer.from_pretrained(settings["model"])
if tokenizer.pad_token is None:
    tokenizer.pad_token = tokenizer.eos_token
model = AutoModelForCausalLM.from_pretrained(
    settings["model"],
    quantization_config=BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    ),
    dtype=dtype,
    device_map={"": settings["device"]},
)
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(
        output_dir=settings["folder"],
        num_train_epochs=settings["epochs"],
        per_device_train_batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"],
        lr_scheduler_type="linear",
        warmup_steps=settings["warmup"],
        max_length=settings["max_length"],
        seed=settings["seed"],
        use_cpu=not on_gpu,
        bf16=on_gpu,
        gradient_checkpointing=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    ),
    train_dataset=Dataset.from_list(rows),
    processing_class=tokenizer,
    peft_config=LoraConfig(
        task_type="CAUSAL_LM",
        r=settings["rank"],
        lora_alpha=settings["alpha"],
        lora_dropout=settings["dropout"],
        target_modules="all-linear",
    ),
)
start = time.perf_counter()
trainer.train()
trained = time.perf_counter() - start
adapter = Path(settings["folder"]) / "adapter"
trainer.model.save_pretrained(adapter)
print(
    json.dumps(
        {
            "train_seconds": trained,
            "adapter": str(adapter),
            "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
            "peak_mb": peak_mb(settings["device"]),
        }
    )
)
