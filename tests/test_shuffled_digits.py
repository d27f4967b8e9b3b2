"""The study of shuffled digits: the same pixels at other places, repeatable training, a true score, a whole table."""

import pytest
import torch

from nbcode.data.digits import digits
from nbcode.experiments import shuffled_digits
from nbcode.experiments.shuffled_digits import NETWORKS, VIEWS, score, trained, view_of


@pytest.mark.parametrize("seed", range(3))
def test_a_view_moves_every_pixel_of_every_image_alike(seed):
    images = torch.arange(3 * 64.0).view(3, 1, 8, 8)
    assert torch.equal(view_of("in order", seed)(images), images)
    moved = view_of("shuffled", seed)(images)
    assert moved.shape == images.shape and not torch.equal(moved, images)
    assert torch.equal(moved.flatten(1).sort().values, images.flatten(1))
    assert torch.equal(moved - images[:, :, :1, :1], (moved - images[:, :, :1, :1])[:1].expand_as(moved))


def test_training_is_repeatable_and_the_score_is_the_share_of_right_answers():
    first, history = trained("mlp", "shuffled", 11, epochs=2)
    again, _ = trained("mlp", "shuffled", 11, epochs=2)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert history.column("lr")[0] > history.column("lr")[-1] > 0
    images, labels = digits(seed=11).test
    with torch.no_grad():
        right = [
            first(view_of("shuffled", 11)(image[None])).argmax().item() == label
            for image, label in zip(images, labels.tolist(), strict=True)
        ]
    assert score(first, "shuffled", 11) == pytest.approx(sum(right) / len(right))


def test_the_networks_are_of_about_one_size():
    sizes = [sum(parameter.numel() for parameter in make().parameters()) for make in NETWORKS.values()]
    assert max(sizes) < 1.05 * min(sizes)


def test_the_committed_study_holds_every_cell():
    rows = shuffled_digits.STUDY.results().rows
    assert len(rows) == len(NETWORKS) * len(VIEWS) * len({row["seed"] for row in rows}) >= 40
