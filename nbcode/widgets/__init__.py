"""Interactive figures: one Python class and one JavaScript file each. Nothing here imports torch."""

from nbcode.widgets.backward import Backward
from nbcode.widgets.base import InteractiveFigure
from nbcode.widgets.descent import Descent
from nbcode.widgets.hidden import Hidden
from nbcode.widgets.line_fit import LineFit
from nbcode.widgets.matrix_product import MatrixProduct
from nbcode.widgets.neuron import Neuron
from nbcode.widgets.signal import Signal

ALL: tuple[type[InteractiveFigure], ...] = (MatrixProduct, Neuron, Hidden, LineFit, Descent, Backward, Signal)

__all__ = ["ALL", "Backward", "Descent", "Hidden", "InteractiveFigure", "LineFit", "MatrixProduct", "Neuron", "Signal"]
