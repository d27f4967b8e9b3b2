"""Weights as bytes: half precision in a fixed order, what overflows is refused, and a model takes them back."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

from nbcode.models.packing import packed, unpack_into
from nbcode.models.transformer import PRESETS, Transformer

TINY = dataclasses.replace(PRESETS["date"], d_model=8, n_heads=2, d_ff=12, source_vocabulary=7, target_vocabulary=5)


def test_the_bytes_are_the_parameters_in_half_precision_one_after_another():
    model = Transformer(TINY)
    data, shapes = packed(model)
    parameters = dict(model.named_parameters())
    assert [name for name, _ in shapes] == list(parameters)
    assert [tuple(shape) for _, shape in shapes] == [tuple(parameter.shape) for parameter in parameters.values()]
    flat = torch.cat([parameter.detach().flatten() for parameter in parameters.values()])
    assert np.array_equal(np.frombuffer(data, "<f2"), flat.half().numpy())
    assert len(data) == 2 * model.parameter_count()


def test_a_model_like_it_computes_the_same_to_the_precision_of_its_weights():
    torch.manual_seed(1)
    model, twin = Transformer(TINY).eval(), Transformer(TINY).eval()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    unpack_into(twin, *packed(model))
    for mine, theirs, was in zip(model.parameters(), twin.parameters(), before, strict=True):
        assert torch.equal(mine, was)
        assert torch.equal(theirs, mine.half().float()) and theirs.requires_grad
    source, target = torch.tensor([[4, 5, 6]]), torch.tensor([[1, 3, 4, 4]])
    torch.testing.assert_close(twin(source, target), model(source, target), rtol=0, atol=0.02)
    assert packed(twin) == packed(model)


def test_a_shared_table_comes_once():
    config = dataclasses.replace(TINY, target_vocabulary=7, tied=True)
    model, twin = Transformer(config), Transformer(config)
    data, shapes = packed(model)
    assert [name for name, shape in shapes if shape == [7, 8]] == ["source_embedding.weight"]
    unpack_into(twin, data, shapes)
    assert twin.output.weight is twin.source_embedding.weight
    assert torch.equal(twin.output.weight, model.output.weight.half().float())


@pytest.mark.parametrize("value", [65_520.0, -1e6, math.inf, math.nan])
def test_what_half_precision_does_not_hold_is_refused_by_name(value):
    layer = nn.Linear(2, 3)
    with torch.no_grad():
        layer.weight[1, 0] = value
    with pytest.raises(ValueError, match=r"weight has numbers up to .*65,504"):
        packed(nn.Sequential(layer))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_are_packed_too(dtype):
    layer = nn.Linear(2, 3).to(dtype)
    twin = nn.Linear(2, 3).to(dtype)
    unpack_into(twin, *packed(layer))
    torch.testing.assert_close(twin.weight, layer.weight, rtol=1e-3, atol=1e-3)


def test_the_largest_and_the_smallest_numbers_survive():
    layer = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        layer.weight[:] = torch.tensor([[65_504.0, 2.0**-24]])
    twin = nn.Linear(2, 1, bias=False)
    unpack_into(twin, *packed(layer))
    assert torch.equal(twin.weight, layer.weight)


def test_weights_of_another_model_are_refused():
    data, shapes = packed(nn.Linear(2, 3))
    for other in (nn.Linear(3, 2), nn.Linear(2, 3, bias=False), nn.Sequential(nn.Linear(2, 3))):
        with pytest.raises(ValueError, match="are not the"):
            unpack_into(other, data, shapes)
    with pytest.raises(ValueError, match=r"17 bytes came; this model needs 18"):
        unpack_into(nn.Linear(2, 3), data[:-1], shapes)


def test_a_model_without_parameters_packs_to_nothing():
    assert packed(nn.ReLU()) == (b"", [])
    unpack_into(nn.ReLU(), b"", [])
