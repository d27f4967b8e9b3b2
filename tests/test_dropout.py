"""Dropout against nn.Dropout: the same result for the same mask, and the same distribution without one."""

import pytest
import torch
from torch import nn

from nbcode.models.dropout import Dropout, dropped


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_given_pytorchs_mask_the_result_is_pytorchs(share):
    torch.manual_seed(0)
    x = torch.rand(50, 20, dtype=torch.float64) + 0.5  # no zeros, so that those of the result show the mask
    at, theirs_at = x.clone().requires_grad_(), x.clone().requires_grad_()
    theirs = nn.Dropout(share)(theirs_at)
    mine = dropped(at, theirs != 0, share)
    torch.testing.assert_close(mine, theirs)
    mine.sum().backward()
    theirs.sum().backward()
    torch.testing.assert_close(at.grad, theirs_at.grad)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_in_training_a_share_falls_out_and_the_mean_stays(share):
    torch.manual_seed(1)
    y = Dropout(share)(torch.ones(400, 400))
    assert (y == 0).float().mean().item() == pytest.approx(share, abs=0.01)
    assert y.mean().item() == pytest.approx(1, abs=0.03)
    assert y.unique().tolist() == pytest.approx([0, 1 / (1 - share)])
    assert not torch.equal(Dropout(share)(y), Dropout(share)(y))  # anew in each pass


def test_in_evaluation_and_without_a_share_nothing_happens():
    x = torch.randn(3, 4)
    assert Dropout(0.5).eval()(x) is x and Dropout(0.0)(x) is x


def test_what_is_dropped_hides_even_infinity():
    kept = torch.tensor([True, False])
    assert dropped(torch.tensor([1.0, torch.inf]), kept, 0.5).tolist() == [2.0, 0.0]


@pytest.mark.parametrize("share", [-0.1, 1, 1.5, float("nan")])
def test_a_share_that_is_no_probability_is_refused(share):
    with pytest.raises(ValueError, match=f"share is {share}"):
        Dropout(share)
