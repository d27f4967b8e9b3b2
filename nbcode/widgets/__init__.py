"""Interactive figures: one Python class and one JavaScript file each. Nothing here imports torch."""

from nbcode.widgets.base import InteractiveFigure
from nbcode.widgets.hidden import Hidden
from nbcode.widgets.line_fit import LineFit
from nbcode.widgets.matrix_product import MatrixProduct
from nbcode.widgets.neuron import Neuron

ALL: tuple[type[InteractiveFigure], ...] = (MatrixProduct, Neuron, Hidden, LineFit)

__all__ = ["ALL", "Hidden", "InteractiveFigure", "LineFit", "MatrixProduct", "Neuron"]
