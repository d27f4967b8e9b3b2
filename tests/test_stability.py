"""The largest stable learning rate, predicted from the curvature and observed; descent against torch.optim."""

import math

import pytest
import torch

from nbcode.data.surfaces import SURFACES
from nbcode.training.optimizers import SGD, Adam, Momentum
from nbcode.training.stability import curvatures, descend, largest_stable_rate, observed_limit


def hessian(dimensions, seed, smallest=0.2, largest=8.0):
    """A random symmetric matrix, and its eigenvalues in ascending order."""
    generator = torch.Generator().manual_seed(seed)
    values = smallest + (largest - smallest) * torch.rand(dimensions, generator=generator, dtype=torch.float64)
    axes, _ = torch.linalg.qr(torch.randn(dimensions, dimensions, generator=generator, dtype=torch.float64))
    return axes @ torch.diag(values) @ axes.T, values.sort().values


def quadratic(matrix):
    return lambda point: point @ matrix @ point / 2


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dimensions", [1, 2, 5])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_the_predicted_and_the_observed_limit_agree_within_one_percent(dimensions, momentum, seed):
    matrix, values = hessian(dimensions, seed)
    surface = quadratic(matrix)
    predicted = largest_stable_rate(
        curvatures(surface, torch.zeros(dimensions, dtype=torch.float64))[-1].item(), momentum
    )
    assert predicted == pytest.approx(2 * (1 + momentum) / values[-1].item())
    start = normal(seed + 10, dimensions)

    def grows(lr):
        path = descend(surface, start, lambda ps: Momentum(ps, lr, momentum), steps=200)
        return not path[-1].norm() <= start.norm()

    assert observed_limit(grows, predicted / 2, predicted * 2) == pytest.approx(predicted, rel=0.01)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_just_below_the_limit_descent_converges_and_just_above_it_diverges(momentum):
    matrix, values = hessian(3, 1)
    limit = largest_stable_rate(values[-1].item(), momentum)
    start = normal(5, 3)
    last = {}
    for factor in (0.97, 1.03):
        path = descend(quadratic(matrix), start, lambda ps, lr=factor * limit: Momentum(ps, lr, momentum), 1_500)
        last[factor] = path[-1].norm().item()
    assert last[0.97] < 1e-6 and last[1.03] > 1e6


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dimensions", [1, 2, 4, 7])
def test_the_curvatures_of_a_quadratic_are_its_eigenvalues_everywhere(dimensions, seed):
    matrix, values = hessian(dimensions, seed, smallest=-5.0)
    slope = normal(seed, dimensions)
    surface = lambda point: quadratic(matrix)(point) + slope @ point + 3
    for at in (torch.zeros(dimensions, dtype=torch.float64), 10 * normal(seed + 1, dimensions)):
        found = curvatures(surface, at)
        assert found.shape == (dimensions,)
        torch.testing.assert_close(found, values, rtol=1e-9, atol=1e-9)


def test_the_curvatures_of_another_surface_depend_on_the_place():
    surface = lambda point: point[0] ** 4 - 3 * point[0] * point[1] + point[1].exp()
    at = torch.tensor([1.5, 0.4], dtype=torch.float64)
    first, mixed, second = 12 * 1.5**2, -3.0, math.exp(0.4)
    middle, half = (first + second) / 2, math.hypot((first - second) / 2, mixed)
    assert curvatures(surface, at).tolist() == pytest.approx([middle - half, middle + half])
    assert curvatures(surface, -at).tolist() != pytest.approx([middle - half, middle + half])


@pytest.mark.parametrize(("name", "expected"), [("bowl", (1, 2)), ("ravine", (0.5, 20)), ("turned ravine", (0.5, 20))])
def test_the_surfaces_of_the_course_have_the_curvatures_they_were_made_from(name, expected):
    a, b, c, q = SURFACES[name]
    surface = lambda p: (a * p[0] ** 2 + 2 * b * p[0] * p[1] + c * p[1] ** 2) / 2 + q * p[0] ** 4 / 4
    assert curvatures(surface, torch.tensor([0.3, -0.7], dtype=torch.float64)).tolist() == pytest.approx(expected)


def test_the_limit_by_hand():
    assert largest_stable_rate(20) == 0.1
    assert largest_stable_rate(0.5) == 4
    assert largest_stable_rate(20, 0.9) == pytest.approx(0.19)


@pytest.mark.parametrize("curvature", [0, -1.0, math.nan])
def test_where_there_is_no_minimum_there_is_no_limit(curvature):
    with pytest.raises(ValueError, match=f"the largest curvature is {curvature}; at a minimum it is positive"):
        largest_stable_rate(curvature)


@pytest.mark.parametrize("momentum", [-0.1, 1, 2, math.nan])
def test_a_momentum_outside_of_its_range_has_no_limit(momentum):
    with pytest.raises(ValueError, match=f"momentum is {momentum}"):
        largest_stable_rate(1.0, momentum)


RULES = {
    "sgd": (lambda ps: SGD(ps, lr=0.05), lambda ps: torch.optim.SGD(ps, lr=0.05)),
    "momentum": (lambda ps: Momentum(ps, lr=0.05), lambda ps: torch.optim.SGD(ps, lr=0.05, momentum=0.9)),
    "adam": (lambda ps: Adam(ps, lr=0.1), lambda ps: torch.optim.Adam(ps, lr=0.1)),
}


def bent(point):
    """A surface that is no quadratic."""
    return (point[0] - 1).square() * 3 + (point[1] * point[0]).tanh() + point.square().sum().sqrt()


@pytest.mark.parametrize("name", RULES)
def test_descent_equals_a_loop_with_torch_optim(name):
    mine, theirs = RULES[name]
    start = torch.tensor([-1.0, 2.0], dtype=torch.float64)
    path = descend(bent, start, mine, steps=40)
    point = start.clone().requires_grad_()
    rule, expected = theirs([point]), [start.clone()]
    for _ in range(40):
        rule.zero_grad()
        bent(point).backward()
        rule.step()
        expected.append(point.detach().clone())
    torch.testing.assert_close(path, torch.stack(expected), rtol=1e-10, atol=1e-12)


def test_descent_takes_an_optimizer_of_pytorch_too():
    start = torch.tensor([-1.0, 2.0], dtype=torch.float64)
    mine, theirs = (descend(bent, start, make, steps=10) for make in RULES["sgd"])
    torch.testing.assert_close(mine, theirs)


def test_descent_leaves_the_start_as_it_is_and_gives_one_point_more_than_steps():
    for start in (torch.ones(2), torch.ones(2, requires_grad=True)):
        path = descend(bent, start, RULES["sgd"][0], steps=5)
        assert path.shape == (6, 2) and path.dtype is start.dtype and not path.requires_grad
        assert path[0].tolist() == start.tolist() == [1, 1] and start.grad is None
        assert len({tuple(point) for point in path.tolist()}) == 6
    assert descend(bent, torch.ones(2), RULES["sgd"][0], steps=0).tolist() == [[1, 1]]


@pytest.mark.parametrize("limit", [0.0123, 1.0, 777.7])
@pytest.mark.parametrize("precision", [1e-1, 1e-3, 1e-9])
def test_the_limit_is_found_with_the_precision_asked_for(limit, precision):
    tried = []
    found = observed_limit(lambda lr: tried.append(lr) or lr > limit, limit / 3, limit * 50, precision)
    assert found == pytest.approx(limit, rel=precision)
    assert len(tried) < 50


@pytest.mark.parametrize(("low", "high"), [(2, 3), (0.1, 0.5), (1.5, 0.5), (0, 2), (-1, 2), (0.5, 0.5), (math.nan, 2)])
def test_an_interval_that_does_not_hold_the_limit_is_refused(low, high):
    with pytest.raises(ValueError, match=rf"between low={low} \(converges\) and high={high} \(diverges\)"):
        observed_limit(lambda lr: lr > 1, low, high)
