"""The losses by hand against PyTorch's, in values and gradients, with logits of any size."""

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from nbcode.training.loss import cross_entropy, label_smoothed, log_softmax, log_sum_exp, mean_squared_error, softmax

repeatable = settings(derandomize=True, deadline=None, max_examples=80)
TOLERANCE = {torch.float64: {"rtol": 1e-12, "atol": 1e-12}, torch.float32: {"rtol": 1e-5, "atol": 1e-6}}
PAIRS = {
    "log_sum_exp": (log_sum_exp, lambda z: torch.logsumexp(z, dim=-1)),
    "log_softmax": (log_softmax, lambda z: torch.log_softmax(z, dim=-1)),
    "softmax": (softmax, lambda z: torch.softmax(z, dim=-1)),
}


def normal(seed, *shape, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def assert_same(mine, theirs, x, **tolerance):
    """Both functions of x give the same values, and the same gradients for a random weighting of them."""
    one, other = (x.detach().clone().requires_grad_() for _ in range(2))
    values = mine(one), theirs(other)
    torch.testing.assert_close(*values, **tolerance)
    if values[0].isfinite().all():
        for value in values:
            (value * normal(1, *value.shape, dtype=value.dtype)).sum().backward()
        torch.testing.assert_close(one.grad, other.grad, **tolerance)


@repeatable
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 30.0, 1e4]),
    shift=st.sampled_from([0.0, 1e4, -1e4]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 1000),
)
def test_log_sum_exp_and_softmax_equal_pytorch(shape, scale, shift, dtype, seed):
    logits = scale * normal(seed, *shape, dtype=dtype) + shift
    for name, (mine, theirs) in PAIRS.items():
        tolerance = dict(TOLERANCE[dtype])
        # In float32, numbers near 10,000 lie 0.001 apart: there the sum itself is rounded by that much.
        if name == "log_sum_exp" and dtype is torch.float32 and (shift or scale == 1e4):
            tolerance["atol"] = 5e-3
        assert_same(mine, theirs, logits, **tolerance)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    "logits",
    [
        [1e4, -1e4],
        [-1e4, -1e4, -1e4],
        [1e4, 1e4, 0.0],
        [1e308, -1e308],
        [0.0, -math.inf],
        [-math.inf, 3.0, 1e4, -math.inf],
        [[-math.inf, 2.0], [1.0, -math.inf]],
        [5.0],
    ],
    ids=str,
)
def test_large_and_masked_logits_equal_pytorch(name, logits):
    mine, theirs = PAIRS[name]
    assert_same(mine, theirs, torch.tensor(logits, dtype=torch.float64), **TOLERANCE[torch.float64])


def test_a_masked_class_gets_no_probability_and_no_gradient():
    logits = torch.tensor([[1.0, -math.inf, 2.0]], requires_grad=True)
    assert softmax(logits)[0, 1] == 0 and softmax(logits).sum().item() == pytest.approx(1)
    cross_entropy(logits, torch.tensor([2])).backward()
    assert logits.grad.isfinite().all() and logits.grad[0, 1] == 0
    with_gradient = torch.tensor([[1.0, -math.inf, 2.0]], requires_grad=True)
    softmax(with_gradient)[0, 0].backward()
    assert with_gradient.grad.isfinite().all()


def test_a_row_with_every_class_masked_has_no_softmax_as_in_pytorch():
    logits = torch.full((1, 3), -math.inf)
    for mine, theirs in (PAIRS["softmax"], PAIRS["log_softmax"]):
        assert mine(logits).isnan().all() and theirs(logits).isnan().all()


@repeatable
@given(
    b=st.integers(1, 9),
    c=st.integers(1, 6),
    scale=st.sampled_from([0.1, 1.0, 50.0, 1e4]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 1000),
)
def test_cross_entropy_equals_pytorch_in_value_and_gradient(b, c, scale, dtype, seed):
    target = torch.randint(c, (b,), generator=torch.Generator().manual_seed(seed))
    logits = scale * normal(seed, b, c, dtype=dtype)
    mine = lambda z: cross_entropy(z, target)
    assert_same(mine, lambda z: nn.CrossEntropyLoss()(z, target), logits, **TOLERANCE[dtype])


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_of_cross_entropy_is_softmax_minus_one_hot_by_the_batch(seed):
    logits = normal(seed, 7, 4).requires_grad_()
    target = torch.arange(7) % 4
    cross_entropy(logits, target).backward()
    expected = (softmax(logits) - nn.functional.one_hot(target, 4)) / 7
    torch.testing.assert_close(logits.grad, expected.detach(), rtol=1e-12, atol=1e-14)


def test_cross_entropy_by_hand():
    logits = torch.tensor([[0.0, 0.0], [math.log(3), 0.0]], dtype=torch.float64)
    assert cross_entropy(logits, torch.tensor([0, 1])).item() == pytest.approx((math.log(2) + math.log(4)) / 2)
    assert cross_entropy(torch.zeros(3, 10), torch.tensor([1, 5, 9])).item() == pytest.approx(math.log(10))


def test_the_wrong_answer_costs_its_distance_and_a_masked_target_costs_infinity():
    assert cross_entropy(torch.tensor([[1e4, -1e4]]), torch.tensor([1])).item() == 2e4
    assert cross_entropy(torch.tensor([[0.0, -math.inf]]), torch.tensor([1])).item() == math.inf


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_large_batch_equals_pytorch(dtype):
    logits = normal(0, 50_000, 10, dtype=dtype)
    target = torch.randint(10, (50_000,), generator=torch.Generator().manual_seed(0))
    assert_same(
        lambda z: cross_entropy(z, target), lambda z: nn.CrossEntropyLoss()(z, target), logits, rtol=1e-5, atol=0
    )
    x = normal(1, 50_000, 10, dtype=dtype)
    assert_same(lambda p: mean_squared_error(p, x), lambda p: nn.MSELoss()(p, x), logits, rtol=1e-5, atol=0)


@repeatable
@given(
    shape=st.lists(st.integers(1, 5), max_size=3), scale=st.sampled_from([1e-3, 1.0, 1e4]), seed=st.integers(0, 1000)
)
def test_mean_squared_error_equals_pytorch_in_value_and_gradients(shape, scale, seed):
    target = scale * normal(seed + 1, *shape)
    prediction = scale * normal(seed, *shape)
    mine, theirs = (lambda p, loss=loss: loss(p, target) for loss in (mean_squared_error, nn.MSELoss()))
    assert_same(mine, theirs, prediction, **TOLERANCE[torch.float64])


def test_the_target_may_be_whole_numbers_or_carry_a_gradient_itself():
    prediction = torch.tensor([1.0, 2.5])
    assert mean_squared_error(prediction, torch.tensor([1, 2])).item() == 0.125
    target = torch.tensor([0.0, 0.5], requires_grad=True)
    mean_squared_error(prediction, target).backward()
    assert target.grad.tolist() == [-1, -2]


@pytest.mark.parametrize(
    ("prediction", "target"), [((4,), (4, 1)), ((4, 1), (4,)), ((1, 4), (4, 1)), ((2, 3), (2, 1, 3)), ((), (1,))]
)
def test_shapes_that_would_be_broadcast_are_refused_with_the_way_out(prediction, target):
    with pytest.raises(ValueError) as refusal:
        mean_squared_error(torch.zeros(prediction), torch.zeros(target))
    said = str(refusal.value)
    assert said.startswith(f"prediction has shape {prediction} and target {target}; they must be equal.")
    assert "every prediction would be compared with every target" in said
    assert said.endswith(f"target.reshape{prediction}")
    assert torch.zeros(target).reshape(prediction).shape == prediction


@pytest.mark.parametrize(("prediction", "target"), [((4,), (5,)), ((2, 3), (3, 2)), ((4, 1), (5, 1)), ((4,), ())])
def test_shapes_of_different_numbers_are_refused_without_false_advice(prediction, target):
    with pytest.raises(ValueError, match="they must be equal") as refusal:
        mean_squared_error(torch.zeros(prediction), torch.zeros(target))
    assert "reshape" not in str(refusal.value)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_nothing_has_no_mean(shape):
    with pytest.raises(ValueError, match="there is nothing to average over"):
        mean_squared_error(torch.zeros(shape), torch.zeros(shape))


@pytest.mark.parametrize("shape", [(), (0,), (2, 0)])
def test_logits_need_a_class(shape):
    for function, _ in PAIRS.values():
        with pytest.raises(ValueError, match="at least one class"):
            function(torch.zeros(shape))


@pytest.mark.parametrize(
    ("logits", "target"),
    [((3,), (3,)), ((3, 2), (2,)), ((3, 2), (3, 1)), ((3, 2), ()), ((2, 3, 4), (2, 3)), ((0, 2), (0,)), ((2, 0), (2,))],
)
def test_cross_entropy_refuses_other_shapes(logits, target):
    with pytest.raises(ValueError, match=r"give \(B, C\) and \(B,\)") as refusal:
        cross_entropy(torch.zeros(logits), torch.zeros(target, dtype=torch.int64))
    assert str(logits) in str(refusal.value) and str(target) in str(refusal.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int32, torch.bool])
def test_cross_entropy_refuses_class_numbers_of_another_dtype(dtype):
    with pytest.raises(ValueError, match=rf"target has dtype {dtype}; .* target.long\(\)"):
        cross_entropy(torch.zeros(2, 3), torch.zeros(2, dtype=dtype))


@pytest.mark.parametrize("target", [[0, 3], [-1, 0], [-100, 2]])
def test_cross_entropy_refuses_classes_that_do_not_exist(target):
    with pytest.raises(ValueError, match="classes must be from 0 to 2; target has") as refusal:
        cross_entropy(torch.zeros(2, 3), torch.tensor(target))
    assert str(sorted(target)) in str(refusal.value)


@repeatable
@given(
    shape=st.lists(st.integers(1, 4), max_size=2),
    c=st.integers(1, 6),
    smoothing=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    ignore=st.sampled_from([None, 0, -100]),
    scale=st.sampled_from([0.1, 1.0, 50.0]),
    seed=st.integers(0, 1000),
)
def test_smoothed_labels_equal_pytorch_in_value_and_gradient(shape, c, smoothing, ignore, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(c, shape, generator=generator)
    if ignore is not None:
        target[torch.rand(shape, generator=generator) < 0.4] = ignore
        target.view(-1)[0] = c - 1  # PyTorch's mean over nothing is NaN
        assume(c - 1 != ignore)
    logits = scale * normal(seed, *shape, c)
    twin = nn.CrossEntropyLoss(label_smoothing=smoothing, **({} if ignore is None else {"ignore_index": ignore}))
    assert_same(
        lambda z: label_smoothed(z, target, smoothing, ignore),
        lambda z: twin(z.reshape(-1, c), target.reshape(-1)),
        logits,
        **TOLERANCE[torch.float64],
    )


def test_smoothed_labels_by_hand():
    logits = torch.tensor([[math.log(6), math.log(3), 0.0]], dtype=torch.float64)  # probabilities 0.6, 0.3, 0.1
    parts = [-math.log(p) for p in (0.6, 0.3, 0.1)]
    expected = 0.7 * parts[1] + 0.1 * sum(parts)
    assert label_smoothed(logits, torch.tensor([1]), 0.3).item() == pytest.approx(expected)


def test_what_is_ignored_gets_no_gradient_and_moves_no_mean():
    logits, target = normal(0, 2, 3, 5).requires_grad_(), torch.tensor([[1, 4, 0], [2, 0, 0]])
    loss = label_smoothed(logits, target, 0.1, ignore=0)
    loss.backward()
    assert not logits.grad[target == 0].any() and logits.grad[target != 0].all()
    alone = label_smoothed(logits[target != 0], target[target != 0], 0.1)
    assert loss.item() == pytest.approx(alone.item(), abs=1e-14)
    assert label_smoothed(logits, target, 0.1).item() != pytest.approx(loss.item(), abs=1e-3)


def test_smoothed_labels_like_best_what_leaves_some_doubt():
    wanted = torch.tensor([0.925, 0.025, 0.025, 0.025], dtype=torch.float64)  # 1 - 0.1 + 0.1 / 4, and 0.1 / 4 each
    best = wanted.log().requires_grad_()
    label_smoothed(best, torch.tensor(0), 0.1).backward()
    assert best.grad.abs().max().item() < 1e-15
    sure = torch.tensor([20.0, 0, 0, 0], dtype=torch.float64)
    assert label_smoothed(sure, torch.tensor(0), 0.1) > label_smoothed(best, torch.tensor(0), 0.1)


def test_without_smoothing_a_masked_class_costs_nothing():
    logits = torch.tensor([[1.0, -math.inf, 2.0]], requires_grad=True)
    loss = label_smoothed(logits, torch.tensor([2]), 0.0)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-1))) and logits.grad.isfinite().all()
    assert label_smoothed(logits, torch.tensor([2]), 0.1).item() == math.inf


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, math.nan])
def test_a_smoothing_out_of_range_is_refused(smoothing):
    with pytest.raises(ValueError, match=rf"smoothing is {smoothing}; give a share from 0 to 1"):
        label_smoothed(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64), smoothing)


@pytest.mark.parametrize(
    ("logits", "target"), [((2, 3, 4), (2, 4)), ((2, 3, 4), (6,)), ((3, 4), (3, 1)), ((3, 4), (3, 4)), ((), ())]
)
def test_smoothed_labels_refuse_other_shapes(logits, target):
    with pytest.raises(ValueError, match=r"give \(..., C\) and \(...\)") as refusal:
        label_smoothed(torch.zeros(logits), torch.zeros(target, dtype=torch.int64), 0.1)
    assert str(logits) in str(refusal.value) and str(target) in str(refusal.value)


def test_smoothed_labels_refuse_what_has_no_mean_and_classes_that_do_not_exist():
    logits = torch.zeros(2, 2, 3)
    with pytest.raises(ValueError, match="no place of the target counts"):
        label_smoothed(logits, torch.zeros(2, 2, dtype=torch.int64), 0.1, ignore=0)
    with pytest.raises(ValueError, match="no place of the target counts"):
        label_smoothed(logits[:0], torch.zeros(0, 2, dtype=torch.int64), 0.1)
    with pytest.raises(ValueError, match=r"classes must be from 0 to 2; target has \[-100, 1\]"):
        label_smoothed(logits, torch.tensor([[1, -100], [0, 1]]), 0.1, ignore=0)
    with pytest.raises(ValueError, match=r"target has dtype torch.float32"):
        label_smoothed(logits, torch.ones(2, 2), 0.1)
