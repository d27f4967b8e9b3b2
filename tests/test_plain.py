"""The plain loop against its five lines written out, and against full-batch descent by hand."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nbcode.training.plain import step, train


def loss_of(model, batch):
    x, y = batch
    return nn.functional.mse_loss(model(x), y)


def start():
    torch.manual_seed(0)
    model = nn.Linear(2, 1).double()
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)


X = torch.randn(10, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
Y = X.sum(dim=1, keepdim=True)


def test_the_loop_is_its_five_lines():
    mine, optimizer = start()
    losses = train(mine, DataLoader(TensorDataset(X, Y), 4), loss_of, optimizer, epochs=3)
    theirs, optimizer = start()
    expected = []
    for _ in range(3):
        for first in (0, 4, 8):
            loss = ((theirs(X[first : first + 4]) - Y[first : first + 4]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            expected.append(loss.item())
    assert losses == pytest.approx(expected, rel=1e-12)
    assert all(type(loss) is float for loss in losses)
    torch.testing.assert_close(mine.state_dict(), theirs.state_dict(), rtol=1e-12, atol=0)


def test_a_step_returns_the_loss_before_it_and_forgets_old_gradients():
    model, optimizer = start()
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 1e9)
    before = loss_of(model, (X, Y)).item()
    assert step(model, (X, Y), loss_of, optimizer) == before
    assert loss_of(model, (X, Y)).item() < before


def test_a_list_of_batches_is_enough():
    model, optimizer = start()
    losses = train(model, [(X, Y)], loss_of, optimizer, epochs=50)
    assert len(losses) == 50 and losses[-1] < 1e-3 * losses[0]
