"""Systems of a board in use: a stored classifier predicts new texts."""

from benchbench.inference.input_texts import InputText, form_of, read_texts, text_columns
from benchbench.inference.load import load
from benchbench.inference.prediction_files import OutputColumns, output_form, write_predictions
from benchbench.inference.predictor import Prediction, Predictor, load_predictor
from benchbench.inference.trained_system import TrainedSystem, find_system, trained_system

__all__ = [
    "InputText",
    "OutputColumns",
    "Prediction",
    "Predictor",
    "TrainedSystem",
    "find_system",
    "form_of",
    "load",
    "load_predictor",
    "output_form",
    "read_texts",
    "text_columns",
    "trained_system",
    "write_predictions",
]
