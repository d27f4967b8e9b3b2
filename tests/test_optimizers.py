"""The optimizers against torch.optim, step by step, with gradients that come and go."""

import math
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nbcode.training.optimizers import SGD, Adam, Momentum, Optimizer

RULES = {
    "sgd": (lambda ps: SGD(ps, lr=0.3), lambda ps: torch.optim.SGD(ps, lr=0.3)),
    "momentum": (lambda ps: Momentum(ps, lr=0.1), lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.9)),
    "momentum 0.5": (lambda ps: Momentum(ps, 0.2, 0.5), lambda ps: torch.optim.SGD(ps, lr=0.2, momentum=0.5)),
    "momentum 0": (lambda ps: Momentum(ps, 0.2, 0), lambda ps: torch.optim.SGD(ps, lr=0.2)),
    "adam": (lambda ps: Adam(ps), lambda ps: torch.optim.Adam(ps)),
    "adam fast": (
        lambda ps: Adam(ps, lr=0.2, betas=(0.5, 0.6), eps=1e-3),
        lambda ps: torch.optim.Adam(ps, lr=0.2, betas=(0.5, 0.6), eps=1e-3),
    ),
    "adam without memory": (
        lambda ps: Adam(ps, lr=0.01, betas=(0, 0)),
        lambda ps: torch.optim.Adam(ps, lr=0.01, betas=(0.0, 0.0)),
    ),
}
SHAPES = [(), (3,), (2, 3), (1, 4, 2), (0,)]


def parameters(seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in SHAPES]


def assert_close(mine, theirs):
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("seed", range(2))
def test_100_steps_equal_torch_optim_though_some_parameters_sometimes_have_no_gradient(name, seed):
    mine, theirs = parameters(seed), parameters(seed)
    rule, twin = (make(ps) for make, ps in zip(RULES[name], (mine, theirs), strict=True))
    rng, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    for _ in range(100):
        rule.zero_grad()
        twin.zero_grad()
        for one, other in zip(mine, theirs, strict=True):
            size = rng.choice([None, 0.0, 1e-9, 1.0, 1.0, 1e6])  # none, zero, tiny, usual, huge
            if size is not None:
                one.grad = size * torch.randn(one.shape, generator=generator, dtype=one.dtype)
                other.grad = one.grad.clone()
        rule.step()
        twin.step()
        assert_close(mine, theirs)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    lr=st.floats(1e-5, 10),
    momentum=st.floats(0, 0.999),
    betas=st.tuples(st.floats(0, 0.999), st.floats(0, 0.9999)),
    eps=st.floats(1e-10, 0.1),
    seed=st.integers(0, 1000),
)
def test_any_settings_equal_torch_optim(lr, momentum, betas, eps, seed):
    for make, twin in (
        (lambda ps: Momentum(ps, lr, momentum), lambda ps: torch.optim.SGD(ps, lr=lr, momentum=momentum)),
        (lambda ps: Adam(ps, lr, betas, eps), lambda ps: torch.optim.Adam(ps, lr=lr, betas=betas, eps=eps)),
    ):
        mine, theirs = parameters(seed), parameters(seed)
        rules = make(mine), twin(theirs)
        generator = torch.Generator().manual_seed(seed)
        for _ in range(12):
            for one, other in zip(mine, theirs, strict=True):
                one.grad = torch.randn(one.shape, generator=generator, dtype=one.dtype)
                other.grad = one.grad.clone()
            for rule in rules:
                rule.step()
        for one, other in zip(mine, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10 * (1 + lr))


@pytest.mark.parametrize("name", RULES)
def test_a_small_network_is_trained_as_by_torch_optim(name):
    x = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    networks = []
    for make in RULES[name]:
        torch.manual_seed(1)
        network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()
        rule = make(network.parameters())
        for _ in range(30):
            rule.zero_grad()
            (network(x) - x.sum(dim=1, keepdim=True)).square().mean().backward()
            rule.step()
        networks.append(list(network.parameters()))
    for mine, theirs in zip(*networks, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_parameters_keep_their_dtype_and_stay_the_same_tensors(name, dtype):
    mine = parameters(dtype=dtype)
    storage = [parameter.data_ptr() for parameter in mine]
    rule = RULES[name][0](mine)
    for _ in range(3):
        for parameter in mine:
            parameter.grad = torch.ones_like(parameter)
        rule.step()
    assert [parameter.data_ptr() for parameter in mine] == storage
    assert all(parameter.dtype is dtype and parameter.requires_grad and parameter.is_leaf for parameter in mine)
    assert mine[1].tolist() != parameters(dtype=dtype)[1].tolist()


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_gradients_that_are_zero_from_the_start_move_nothing(name):
    mine = parameters()
    rule = RULES[name][0](mine)
    for _ in range(3):
        for parameter in mine:
            parameter.grad = torch.zeros_like(parameter)
        rule.step()
    assert_close(mine, parameters())


@pytest.mark.parametrize("name", RULES)
def test_the_gradient_is_left_as_it_was(name):
    w = torch.ones(3, requires_grad=True)
    rule = RULES[name][0]([w])
    for _ in range(3):
        w.grad = torch.tensor([1.0, -2.0, 0.5])
        rule.step()
        assert w.grad.tolist() == [1.0, -2.0, 0.5]


def test_zero_grad_forgets_all_gradients_and_nothing_else():
    mine = parameters()
    rule = Momentum(mine, lr=0.1)
    for parameter in mine:
        parameter.grad = torch.ones_like(parameter)
    rule.step()
    now = [parameter.detach().clone() for parameter in mine]
    rule.zero_grad()
    assert all(parameter.grad is None for parameter in mine)
    rule.step()  # no gradient: no step, though there is a velocity
    assert all(torch.equal(parameter, before) for parameter, before in zip(mine, now, strict=True))


def test_the_rate_can_be_changed_between_steps():
    w = torch.zeros(1, requires_grad=True)
    rule = SGD([w], lr=1)
    for lr in (1, 0.5, 0.25):
        rule.lr = lr
        w.grad = torch.ones(1)
        rule.step()
    assert w.item() == -1.75


def test_the_first_step_of_adam_has_the_length_of_the_rate_whatever_the_gradient():
    for size in (1e-4, 1.0, 1e8):
        w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        rule = Adam([w], lr=0.1)
        w.grad = torch.tensor([size, -size], dtype=torch.float64)
        rule.step()
        assert w.tolist() == pytest.approx([-0.1, 0.1], rel=1e-3)


def test_a_rule_of_ones_own_needs_only_its_change():
    class SignDescent(Optimizer):
        def change(self, place, gradient):
            return self.lr * gradient.sign()

    w = torch.tensor([1.0, -1.0], requires_grad=True)
    rule = SignDescent([w], lr=0.25)
    w.grad = torch.tensor([7.0, -9.0])
    rule.step()
    assert w.tolist() == [0.75, -0.75]
    with pytest.raises(NotImplementedError):
        base = Optimizer([w], lr=1.0)
        base.step()


MAKERS = [
    lambda ps, **more: SGD(ps, **{"lr": 0.1, **more}),
    lambda ps, **more: Momentum(ps, **{"lr": 0.1, **more}),
    Adam,
]


@pytest.mark.parametrize("make", MAKERS, ids=["sgd", "momentum", "adam"])
@pytest.mark.parametrize("lr", [0, -0.1, math.nan, math.inf])
def test_a_bad_rate_is_refused(make, lr):
    with pytest.raises(ValueError, match=f"lr is {lr}; give a positive, finite number"):
        make([torch.ones(1, requires_grad=True)], lr=lr)


@pytest.mark.parametrize("make", MAKERS, ids=["sgd", "momentum", "adam"])
def test_parameters_that_can_not_learn_are_refused(make):
    w = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="no parameters given"):
        make([])
    used_up = iter([w])
    list(used_up)
    with pytest.raises(ValueError, match="used up only once"):
        make(used_up)
    with pytest.raises(ValueError, match="takes no gradient; set requires_grad=True"):
        make([w, torch.ones(2)])


@pytest.mark.parametrize("make", MAKERS, ids=["sgd", "momentum", "adam"])
def test_a_tensor_that_was_computed_and_so_gets_no_gradient_is_refused(make):
    w = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="computed from other tensors"):
        make([w, w * 2])
    with pytest.raises(ValueError, match=r"a single tensor stands in a list too: \[w\]"):
        make(w)  # a list of it would be its rows


@pytest.mark.parametrize("value", [-0.1, 1, 1.5, math.nan])
def test_memories_lie_from_0_to_below_1(value):
    w = [torch.ones(1, requires_grad=True)]
    with pytest.raises(ValueError, match=f"momentum is {value}; give a number from 0 to below 1"):
        Momentum(w, 0.1, value)
    with pytest.raises(ValueError, match=r"betas\[0\] is"):
        Adam(w, betas=(value, 0.9))
    with pytest.raises(ValueError, match=r"betas\[1\] is"):
        Adam(w, betas=(0.9, value))


@pytest.mark.parametrize("eps", [0, -1e-8, math.nan, math.inf])
def test_a_bad_eps_is_refused(eps):
    with pytest.raises(ValueError, match=f"eps is {eps}"):
        Adam([torch.ones(1, requires_grad=True)], eps=eps)
