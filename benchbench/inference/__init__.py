"""Systems of a board in use: a stored classifier predicts new texts, or is exported."""

from benchbench.inference.export import Export, export_system
from benchbench.inference.input_texts import InputText, form_of, read_texts, text_columns
from benchbench.inference.load import load
from benchbench.inference.prediction_files import OutputColumns, output_form, write_predictions
from benchbench.inference.predictor import Prediction, Predictor, load_predictor
from benchbench.inference.replay import Replay
from benchbench.inference.texts_at_hand import texts_at_hand
from benchbench.inference.trained_system import (
    TrainedSystem,
    find_system,
    seed_of_system,
    trained_system,
)

__all__ = [
    "Export",
    "InputText",
    "OutputColumns",
    "Prediction",
    "Predictor",
    "Replay",
    "TrainedSystem",
    "export_system",
    "find_system",
    "form_of",
    "load",
    "load_predictor",
    "output_form",
    "read_texts",
    "seed_of_system",
    "text_columns",
    "texts_at_hand",
    "trained_system",
    "write_predictions",
]
