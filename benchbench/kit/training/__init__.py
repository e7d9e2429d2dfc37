"""Training that is the same for every method: its budget, its loop and its adapters."""

from benchbench.kit.training.activation_memory import (
    LayerTraining,
    kept_bytes,
    layer_bytes,
    must_recompute,
)
from benchbench.kit.training.adapter_variants import ADAPTERS, AdapterVariant
from benchbench.kit.training.frozen_states import frozen_states_known
from benchbench.kit.training.loop import PASSED, train
from benchbench.kit.training.lora import (
    LORA_PARAMETERS,
    AdapterSettings,
    adapter_groups,
    adapter_outputs,
    adapter_tensors,
    attach,
    load_adapter,
    save_adapter,
    target_modules,
    trainable_parameters,
)
from benchbench.kit.training.merged_model import merged_model
from benchbench.kit.training.micro_batches import MicroBatches
from benchbench.kit.training.mixed_precision import autocast
from benchbench.kit.training.peft_adapter import save_peft_adapter
from benchbench.kit.training.training_plan import (
    PREDICTION_PARAMETERS,
    TRAINING_PARAMETERS,
    TrainingPlan,
    auto_learning_rate,
    prepare_memory,
)
from benchbench.kit.training.training_task import TrainingRows, TrainingTask

__all__ = [
    "ADAPTERS",
    "LORA_PARAMETERS",
    "PASSED",
    "PREDICTION_PARAMETERS",
    "TRAINING_PARAMETERS",
    "AdapterSettings",
    "AdapterVariant",
    "LayerTraining",
    "MicroBatches",
    "TrainingPlan",
    "TrainingRows",
    "TrainingTask",
    "adapter_groups",
    "adapter_outputs",
    "adapter_tensors",
    "attach",
    "auto_learning_rate",
    "autocast",
    "frozen_states_known",
    "kept_bytes",
    "layer_bytes",
    "load_adapter",
    "merged_model",
    "must_recompute",
    "prepare_memory",
    "save_adapter",
    "save_peft_adapter",
    "target_modules",
    "train",
    "trainable_parameters",
]
