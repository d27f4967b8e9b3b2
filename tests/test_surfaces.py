"""The loss surfaces: curvatures against numpy's eigenvalues, minima by trying, and that no torch is needed."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcode.data.surfaces import SURFACES, quadratic
from nbcode.training.surfaces import surface


def height(coefficients, u, v):
    a, b, c, q = coefficients
    return (a * u**2 + 2 * b * u * v + c * v**2) / 2 + q * u**4 / 4


def matrix(coefficients):
    a, b, c, _ = coefficients
    return np.array([[a, b], [b, c]])


curvature = st.floats(-50, 50)


@settings(derandomize=True, deadline=None)
@given(first=curvature, second=curvature, degrees=st.floats(-360, 360))
def test_the_curvatures_are_the_eigenvalues_along_the_turned_axes(first, second, degrees):
    coefficients = quadratic((first, second), degrees)
    assert coefficients[3] == 0
    turned = matrix(coefficients)
    assert np.linalg.eigvalsh(turned) == pytest.approx(sorted([first, second]), abs=1e-9)
    axis = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    assert turned @ axis == pytest.approx(first * axis, abs=1e-9)
    assert turned @ [-axis[1], axis[0]] == pytest.approx(second * np.array([-axis[1], axis[0]]), abs=1e-9)


def test_without_an_angle_the_axes_are_u_and_v_exactly():
    assert quadratic((0.5, 20.0)) == (0.5, 0.0, 20.0, 0.0)
    assert quadratic((0.5, 20.0), 90)[:3] == pytest.approx((20.0, 0.0, 0.5))


def test_the_surfaces_are_named_and_have_four_numbers():
    assert list(SURFACES) == ["bowl", "ravine", "turned ravine", "two valleys"]
    assert all(len(coefficients) == 4 for coefficients in SURFACES.values())
    assert all(isinstance(number, float) for coefficients in SURFACES.values() for number in coefficients)


@pytest.mark.parametrize(
    ("name", "curvatures"), [("bowl", (1, 2)), ("ravine", (0.5, 20)), ("turned ravine", (0.5, 20))]
)
def test_bowl_and_ravines_have_one_minimum_at_the_origin(name, curvatures):
    assert np.linalg.eigvalsh(matrix(SURFACES[name])) == pytest.approx(curvatures)
    for u, v in np.random.default_rng(0).normal(size=(50, 2)):
        assert height(SURFACES[name], u, v) > height(SURFACES[name], 0, 0) == 0


def test_the_two_valleys_have_a_pass_between_two_minima():
    surface = SURFACES["two valleys"]
    grid = np.linspace(-2, 2, 81)
    heights = np.array([[height(surface, u, v) for v in grid] for u in grid])
    lowest = {(round(grid[i], 6), round(grid[j], 6)) for i, j in np.argwhere(np.isclose(heights, heights.min()))}
    assert lowest == {(-1.0, 0.0), (1.0, 0.0)}
    for step in (0.01, 0.1):
        assert height(surface, step, 0) < height(surface, 0, 0) < height(surface, 0, step)


def test_the_module_needs_no_torch():
    program = "import sys, nbcode.data.surfaces; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("name", SURFACES)
def test_the_function_of_a_surface_is_its_formula(name):
    a, b, c, q = SURFACES[name]
    points = torch.randn(4, 5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u, v = points[..., 0], points[..., 1]
    expected = 0.5 * a * u * u + b * u * v + 0.5 * c * v * v + 0.25 * q * u * u * u * u
    torch.testing.assert_close(surface(name)(points), expected)


def test_an_unknown_surface_is_refused():
    with pytest.raises(ValueError, match="unknown surface 'hill'; choose one of bowl"):
        surface("hill")
