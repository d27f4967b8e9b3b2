"""Device, precision and seed: machines that are not here are played by mocks; one test needs a real GPU."""

import random

import numpy as np
import pytest
import torch

from nbcode.device import choose, processor_name, set_seed


@pytest.fixture
def machine(monkeypatch):
    """Play a machine: the capability of its NVIDIA GPU, whether it is a Mac with a GPU, what its CPU can do."""

    def play(capability=None, mps=False, cpu=None):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: capability is not None)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "Played GPU")
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu or {}, raising=False)

    return play


@pytest.mark.parametrize("capability", [(8, 0), (8, 6), (9, 0), (12, 0)])
def test_a_gpu_from_capability_8_on_computes_in_bf16(machine, capability):
    machine(capability)
    compute = choose()
    assert (compute.device.type, compute.dtype, compute.precision) == ("cuda", torch.bfloat16, "bf16")
    assert not compute.scales_gradients
    assert f"bf16, because compute capability {capability[0]}.{capability[1]} is at least 8.0" in compute.why


@pytest.mark.parametrize("capability", [(7, 5), (7, 0), (6, 1)])
def test_an_older_gpu_computes_in_fp16_with_gradient_scaling(machine, capability):
    machine(capability)
    compute = choose()
    assert (compute.device.type, compute.dtype, compute.precision) == ("cuda", torch.float16, "fp16")
    assert compute.scales_gradients
    assert f"gradient scaling, because compute capability {capability[0]}.{capability[1]} is below 8.0" in compute.why


def test_a_mac_computes_in_fp32(machine):
    machine(mps=True)
    compute = choose()
    assert (compute.device.type, compute.precision) == ("mps", "fp32")
    assert "the Mac's GPU (mps), because this Mac has a GPU" in compute.why
    assert "fp32" in compute.why


@pytest.mark.parametrize(
    ("cpu", "precision", "reason"),
    [
        ({"amx_bf16": True}, "bf16", "because this processor has matrix units for it (AMX)"),
        ({"amx_bf16": False}, "fp32", "because this processor has no matrix units for bf16"),
        ({"avx512_bf16": True}, "fp32", "because this processor has no matrix units for bf16"),
        ({}, "fp32", "because this processor has no matrix units for bf16"),
    ],
)
def test_a_cpu_computes_in_bf16_only_with_matrix_units_for_it(machine, cpu, precision, reason):
    machine(cpu=cpu)
    compute = choose()
    assert (compute.device.type, compute.precision) == ("cpu", precision)
    assert "because PyTorch sees no GPU" in compute.why
    assert f"Precision: {precision}, {reason}" in compute.why


def test_a_pytorch_that_cannot_describe_the_cpu_computes_in_fp32(machine, monkeypatch):
    machine()
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose().precision == "fp32"
    assert processor_name() == f"CPU, {torch.get_num_threads()} threads"


def test_the_processor_is_called_by_its_model(machine):
    machine(cpu={"cpu_name": " Played CPU 9000 "})
    assert processor_name() == f"Played CPU 9000, {torch.get_num_threads()} threads"
    assert "Device: Played CPU 9000" in choose().why


@pytest.mark.parametrize(
    ("has", "chosen"),
    [
        ({"capability": (8, 0), "mps": True}, "cuda"),
        ({"capability": (8, 0)}, "cuda"),
        ({"mps": True}, "mps"),
        ({}, "cpu"),
    ],
)
def test_cuda_comes_before_mps_before_cpu(machine, has, chosen):
    machine(**has)
    assert choose().device.type == chosen


@pytest.mark.parametrize("device", ["cuda", "mps", "cpu"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_was_asked_for_is_chosen_and_says_so(machine, device, precision):
    machine((7, 5), mps=True, cpu={"amx_bf16": True})
    compute = choose(device, precision)
    assert (compute.device.type, compute.precision) == (device, precision)
    assert f"({device}), because it was asked for." in str(compute) or device == "mps"
    assert str(compute).endswith(f"Precision: {precision}, because it was asked for.")
    assert str(compute).count("because it was asked for") == 2


def test_an_asked_gpu_still_gets_its_own_precision(machine):
    machine((7, 5))
    assert choose("cuda").precision == "fp16"
    assert choose("cpu").precision == "fp32"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"device": "gpu"}, ["'gpu'", "cuda, mps, cpu"]),
        ({"device": ""}, ["''", "cuda, mps, cpu"]),
        ({"device": "cuda"}, ["'cuda'", "not available", "this machine has: cpu"]),
        ({"device": "mps"}, ["'mps'", "not available", "this machine has: cpu"]),
        ({"precision": "fp8"}, ["'fp8'", "fp32, bf16, fp16"]),
        ({"precision": "float32"}, ["'float32'", "fp32, bf16, fp16"]),
        ({"device": "cpu", "precision": "fp16"}, ["fp16", "'cpu'", "fp32 or bf16"]),
    ],
)
def test_an_impossible_wish_is_refused_with_what_is_allowed(machine, arguments, words):
    machine()
    with pytest.raises(ValueError) as refusal:
        choose(**arguments)
    assert all(word in str(refusal.value) for word in words), str(refusal.value)


def test_fp16_is_refused_on_a_mac(machine):
    machine(mps=True)
    with pytest.raises(ValueError, match="fp16 needs a CUDA GPU and the device is 'mps'"):
        choose("mps", "fp16")


def draws():
    return random.random(), float(np.random.rand()), torch.rand(1).item()


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_a_seed_makes_all_three_generators_repeat(seed):
    set_seed(seed)
    first = draws()
    assert all(a != b for a, b in zip(first, draws(), strict=True))
    set_seed(seed)
    assert draws() == first


def test_another_seed_gives_other_numbers_in_all_three_generators():
    set_seed(1)
    first = draws()
    set_seed(2)
    assert all(a != b for a, b in zip(first, draws(), strict=True))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None, True, [1]])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ValueError) as refusal:
        set_seed(seed)
    assert repr(seed) in str(refusal.value)
    assert "0 to 4294967295" in str(refusal.value)


def one_step(compute):
    """A product under autocast, and the gradient that it leaves in a float32 weight."""
    weight = torch.eye(4, device=compute.device, requires_grad=True)
    x = torch.full((4, 4), 1 + 2**-12, device=compute.device)  # bf16 and fp16 round this to 1
    with compute.autocast():
        product = x @ weight
    product.float().sum().backward()
    return product, weight


def test_bf16_on_the_cpu_really_computes_in_bf16_and_keeps_the_weights_in_float32():
    product, weight = one_step(choose("cpu", "bf16"))
    assert product.dtype is torch.bfloat16
    assert product[0, 0].item() == 1
    assert weight.dtype is weight.grad.dtype is torch.float32


def test_fp32_changes_nothing():
    compute = choose("cpu", "fp32")
    product, weight = one_step(compute)
    assert product.dtype is torch.float32
    assert product[0, 0].item() == 1 + 2**-12
    assert weight.grad[0, 0].item() == 4 * (1 + 2**-12)
    with compute.autocast():
        assert not torch.is_autocast_enabled("cpu")


def test_autocast_ends_with_its_block():
    with choose("cpu", "bf16").autocast():
        pass
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32


@pytest.mark.parametrize(
    ("device", "precision", "scales"),
    [
        ("cuda", "fp16", True),
        ("cuda", "bf16", False),
        ("cuda", "fp32", False),
        ("mps", "fp32", False),
        ("cpu", "fp32", False),
        ("cpu", "bf16", False),
    ],
)
def test_gradients_are_scaled_for_fp16_only(machine, device, precision, scales):
    machine((7, 5), mps=True)
    scaler = choose(device, precision).grad_scaler()
    assert scaler.is_enabled() is scales
    if not scales:
        loss = torch.tensor(3.0)
        assert scaler.scale(loss).item() == 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: computes in the precision chosen for it")
def test_a_real_gpu_is_chosen_and_trains_in_the_precision_chosen_for_it():
    compute = choose()
    assert compute.device.type == "cuda"
    assert torch.cuda.get_device_name() in compute.why
    product, weight = one_step(compute)
    assert product.dtype is compute.dtype
    assert product.is_cuda and weight.grad.is_cuda
    optimizer = torch.optim.SGD([weight], lr=1.0)
    optimizer.zero_grad()
    scaler = compute.grad_scaler()
    with compute.autocast():
        loss = (torch.ones(4, 4, device=compute.device) @ weight).sum()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    torch.testing.assert_close(weight.detach().cpu(), torch.eye(4) - 4)
