"""Dropout from 16 random bits: which share it drops, that entries do not depend on each other, and its gradient."""

import math

import pytest
import torch
from torch import nn

from nbcode.models.fast_dropout import FastDropout, fast_dropout

ENTRIES = 400_001  # not a multiple of four


def stayed(share, shape=(ENTRIES,), seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    return fast_dropout(torch.ones(shape, dtype=dtype), share)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.3, 0.5, 0.9])
def test_the_share_is_dropped_and_the_mean_kept(share):
    out = stayed(share, dtype=torch.float64)
    error = math.sqrt(share * (1 - share) / ENTRIES)
    assert (out == 0).double().mean().item() == pytest.approx(share, abs=5 * error + 1 / 2**17)
    assert out.mean().item() == pytest.approx(1, abs=5 * error / (1 - share))
    (scale,) = out[out != 0].unique().tolist()
    assert scale == pytest.approx(1 / (1 - share), rel=1e-4)


def test_the_scale_belongs_to_the_share_that_can_be_drawn():
    """16 bits make multiples of 1 / 65,536: a third is a little more or less than itself."""
    assert stayed(1 / 3, dtype=torch.float64).max().item() == 2**16 / round(2 / 3 * 2**16)


@pytest.mark.parametrize("apart", [1, 2, 3, 4, 5, 64])
def test_neighbors_are_dropped_independently(apart):
    """Four entries share one draw."""
    dropped = stayed(0.3) == 0
    both = (dropped[apart:] & dropped[:-apart]).double().mean().item()
    assert both == pytest.approx(0.09, abs=5 * math.sqrt(0.09 * 0.91 / ENTRIES) + 1e-4)


def test_each_quarter_of_a_draw_drops_as_often():
    shares = (stayed(0.1)[:-1].view(-1, 4) == 0).double().mean(dim=0)
    assert (shares - 0.1).abs().max() < 5 * math.sqrt(0.09 / (ENTRIES / 4))


def test_the_seed_decides_and_calls_differ():
    assert torch.equal(stayed(0.5), stayed(0.5)) and not torch.equal(stayed(0.5), stayed(0.5, seed=1))
    assert not torch.equal(fast_dropout(torch.ones(100), 0.5), fast_dropout(torch.ones(100), 0.5))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3, 5, 7), (1,), (), (0, 4)], ids=str)
def test_every_shape_and_precision_comes_back_as_it_went_in(shape, dtype):
    out = stayed(0.25, shape, dtype=dtype)
    assert out.shape == shape and out.dtype is dtype and torch.isin(out, torch.tensor([0, 4 / 3], dtype=dtype)).all()


def test_what_is_not_contiguous_is_not_disturbed():
    x = torch.arange(1.0, 13).view(3, 4).T
    out = fast_dropout(x, 0.5)
    assert torch.equal(x, torch.arange(1.0, 13).view(3, 4).T) and torch.equal(out[out != 0], 2 * x[out != 0])


def test_the_gradient_passes_where_an_entry_stayed():
    x = torch.randn(1000, requires_grad=True)
    out = fast_dropout(x, 0.4)
    out.sum().backward()
    torch.testing.assert_close(x.grad * x, out)
    assert (x.grad == 0).sum() == (out == 0).sum() > 0


def test_almost_everything_may_be_dropped_without_infinity():
    assert stayed(1 - 1e-9).isfinite().all() and not stayed(1).any()


@pytest.mark.parametrize("share", [1e-6, 1e-5, 1e-4])
def test_almost_nothing_may_be_dropped_and_what_stays_is_nearly_unchanged(share):
    """16 bits know no share between 0 and 1 / 65,536."""
    out = stayed(share, (2_000_001,), dtype=torch.float64)
    rounded = round(share * 2**16) / 2**16
    assert (out == 0).double().mean().item() == pytest.approx(rounded, abs=5 * math.sqrt(rounded / len(out)))
    assert out.max().item() == pytest.approx(1 / (1 - rounded), rel=1e-12)


def test_a_share_that_rounds_to_none_changes_nothing():
    """Neither in float32, nor where the largest of 16 bits is drawn, which comes 30 times in so many entries."""
    x = torch.randn(2_000_001, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    assert torch.equal(fast_dropout(x, 1e-6), x)


@pytest.mark.parametrize("share", [-0.1, 1.5, math.nan])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match=f"share is {share}"):
        fast_dropout(torch.ones(3), share)


def test_another_device_takes_pytorchs(monkeypatch):
    """A device without data stands for a GPU."""
    asked = []
    monkeypatch.setattr(nn.functional, "dropout", lambda x, share: asked.append(share) or x)
    fast_dropout(torch.ones(3, device="meta"), 0.2)
    assert asked == [0.2]


def test_the_module_drops_in_training_alone():
    module, x = FastDropout(0.5), torch.ones(1000)
    assert isinstance(module, nn.Dropout) and (module(x) == 0).any()
    assert module.eval()(x) is x and FastDropout(0.0)(x) is x
