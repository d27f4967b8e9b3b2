"""The static figures of the course. Each function returns a matplotlib ``Figure``, which a notebook cell then shows."""

from nbcode.plots.history import mistakes_per_epoch, study_spread
from nbcode.plots.numberlines import chain_of_slopes, slice_through_surface
from nbcode.plots.plane import decision_planes

__all__ = ["chain_of_slopes", "decision_planes", "mistakes_per_epoch", "slice_through_surface", "study_spread"]
