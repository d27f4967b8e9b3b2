"""Interactive figures: one Python class and one JavaScript file each. Nothing here imports torch."""

from nbcode.widgets.architecture import Architecture
from nbcode.widgets.attention_head import AttentionHead
from nbcode.widgets.backward import Backward
from nbcode.widgets.base import InteractiveFigure
from nbcode.widgets.convolution import Convolution
from nbcode.widgets.descent import Descent
from nbcode.widgets.hidden import Hidden
from nbcode.widgets.learning_curves import LearningCurves
from nbcode.widgets.line_fit import LineFit
from nbcode.widgets.lookup import Lookup
from nbcode.widgets.matrix_product import MatrixProduct
from nbcode.widgets.neuron import Neuron
from nbcode.widgets.signal import Signal
from nbcode.widgets.threshold import Threshold
from nbcode.widgets.translator import Translator
from nbcode.widgets.wirings import Wirings

ALL: tuple[type[InteractiveFigure], ...] = (
    MatrixProduct,
    Neuron,
    Hidden,
    LineFit,
    Descent,
    Backward,
    Signal,
    Wirings,
    Convolution,
    Lookup,
    AttentionHead,
    Translator,
    Architecture,
    LearningCurves,
    Threshold,
)

__all__ = [
    "ALL",
    "Architecture",
    "AttentionHead",
    "Backward",
    "Convolution",
    "Descent",
    "Hidden",
    "InteractiveFigure",
    "LearningCurves",
    "LineFit",
    "Lookup",
    "MatrixProduct",
    "Neuron",
    "Signal",
    "Threshold",
    "Translator",
    "Wirings",
]
