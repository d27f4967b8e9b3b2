"""The static figures of the course. Each function returns a matplotlib ``Figure``, which a notebook cell then shows."""

from nbcode.plots.calibration import calibrations
from nbcode.plots.classes import class_counts, class_points, confusions
from nbcode.plots.functions import functions_with_slopes
from nbcode.plots.graph import computation_graph
from nbcode.plots.heads import head_maps
from nbcode.plots.history import mistakes_per_epoch, study_spread
from nbcode.plots.images import image_grid
from nbcode.plots.layers import layer_histograms
from nbcode.plots.masks import masks
from nbcode.plots.matrices import attention_maps, image_rows, signed_maps
from nbcode.plots.numberlines import chain_of_slopes, slice_through_surface
from nbcode.plots.plane import decision_planes
from nbcode.plots.spread import spreads
from nbcode.plots.surface import descents
from nbcode.plots.training import bundle, curves, errors_by_choice, predicted_against_true, strips

__all__ = [
    "attention_maps",
    "bundle",
    "calibrations",
    "chain_of_slopes",
    "class_counts",
    "class_points",
    "computation_graph",
    "confusions",
    "curves",
    "decision_planes",
    "descents",
    "errors_by_choice",
    "functions_with_slopes",
    "head_maps",
    "image_grid",
    "image_rows",
    "layer_histograms",
    "masks",
    "mistakes_per_epoch",
    "predicted_against_true",
    "signed_maps",
    "slice_through_surface",
    "spreads",
    "strips",
    "study_spread",
]
