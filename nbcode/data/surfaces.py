"""Small loss surfaces over two weights, as plain numbers: what chapter and figure roll a ball over.

Each is f(u, v) = (a u² + 2 b u v + c v²) / 2 + q u⁴ / 4, given by its coefficients (a, b, c, q).
No torch here, since the figures import it.
"""

from __future__ import annotations

import math

Coefficients = tuple[float, float, float, float]


def quadratic(curvatures: tuple[float, float], degrees: float = 0.0) -> Coefficients:
    """A surface with these two curvatures, along axes turned by an angle against those of u and v.

    Args:
        curvatures: along the turned u axis and the turned v axis; they are the eigenvalues of the Hessian.
        degrees: the angle.
    """
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    first, second = curvatures
    a = first * cos**2 + second * sin**2
    c = first * sin**2 + second * cos**2
    return a, (first - second) * sin * cos, c, 0.0


SURFACES: dict[str, Coefficients] = {
    "bowl": quadratic((1.0, 2.0)),
    "ravine": quadratic((0.5, 20.0)),
    "turned ravine": quadratic((0.5, 20.0), degrees=30.0),
    "two valleys": (-1.0, 0.0, 1.0, 1.0),  # minima at u = -1 and u = 1, between them a pass
}
