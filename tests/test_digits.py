"""The digits: real images in three parts that share none, and clear answers to bad sizes."""

import pytest
import torch
from sklearn.datasets import load_digits

from nbcode.data.digit_samples import DIGIT_SAMPLES
from nbcode.data.digits import digits, load


def test_images_are_those_of_scikit_learn():
    images, labels = load()
    found = load_digits()
    assert images.dtype == torch.float32 and labels.dtype == torch.int64
    torch.testing.assert_close(images[:, 0] * 16, torch.tensor(found.images, dtype=torch.float32))
    assert labels.tolist() == found.target.tolist()


def test_the_samples_are_the_first_real_images_of_their_labels():
    found = load_digits()
    for label, rows in DIGIT_SAMPLES.items():
        assert rows == found.images[found.target.tolist().index(label)].tolist()


@pytest.mark.parametrize("seed", range(3))
def test_the_parts_share_no_image_and_hold_them_all(seed):
    parts = digits(seed=seed)
    assert [len(part.labels) for part in parts] == [898, 359, 540]
    rows = sorted((*image.flatten().tolist(), label) for part in parts for image, label in zip(*part, strict=True))
    images, labels = load()
    assert rows == sorted(
        (*image.flatten().tolist(), label) for image, label in zip(images, labels.tolist(), strict=True)
    )
    for part in parts:
        assert part.labels.bincount(minlength=10).min() >= 20


def test_fewer_training_images_leave_the_other_parts_alone():
    few, all_of_them = digits(100, seed=1), digits(seed=1)
    assert torch.equal(few.train.images, all_of_them.train.images[:100])
    assert torch.equal(few.test.labels, all_of_them.test.labels)
    assert not torch.equal(digits(seed=2).train.labels, all_of_them.train.labels)


@pytest.mark.parametrize("n", [0, -1, 899, 10.0, True, "all"])
def test_a_bad_number_of_images_is_refused(n):
    with pytest.raises(ValueError, match="n_train"):
        digits(n)
