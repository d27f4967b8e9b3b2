"""Maps of all heads and masks: nothing is left out, and every token can be read."""

import datetime
import itertools

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.transforms import Bbox

from nbcode import plots
from nbcode.data import dates
from nbcode.data.vocabulary import tokenize
from nbcode.models.masks import causal_mask, padding_mask
from nbcode.plots.style import WIDEST

KEYS = tokenize(dates.written(datetime.date(2029, 9, 26), "en_GB", "full"))  # Wednesday, 26 September 2029: S = 12
QUERIES = ["<start>", *tokenize(dates.written(datetime.date(2029, 12, 26), "zh", "full"))]


def weights(heads, length, source, seed=0):
    return torch.randn(heads, length, source, generator=torch.Generator().manual_seed(seed)).softmax(-1)


def maps(figure):
    """The panels that show a matrix, from left to right and from top to bottom."""
    return [ax for ax in figure.axes if ax.get_images()]


def written(axis):
    """The labels that a reader sees."""
    return [label.get_text() for label in axis.get_ticklabels() if label.get_visible() and label.get_text()]


@pytest.fixture(autouse=True)
def tidy():
    yield
    assert plt.get_fignums() == []


@pytest.mark.parametrize("heads", [1, 2, 3, 4, 5, 8])
def test_every_head_is_shown_in_order_on_one_scale(heads):
    given = weights(heads, 5, 6)
    figure = plots.head_maps(given)
    assert [ax.get_title() for ax in maps(figure)] == [f"head {k + 1}" for k in range(heads)]
    for ax, head in zip(maps(figure), given, strict=True):
        (image,) = ax.get_images()
        assert torch.equal(torch.tensor(image.get_array()), head) and image.get_clim() == (0, 1)
    (bar,) = [ax for ax in figure.axes if ax.get_xlabel() == "weight"]
    assert bar.get_xlim() == (0, 1)


def test_every_layer_begins_a_row_and_may_have_its_own_number_of_heads():
    layers = {"layer 1": weights(3, 5, 13), "layer 2": weights(1, 5, 13, seed=1), "layer 3": weights(2, 5, 13, seed=2)}
    figure = plots.head_maps(layers, keys=[*KEYS, "!"], title="all of them", names=("source", "target"))
    titles = ["layer 1, head 1", "layer 1, head 2", "layer 1, head 3", "layer 2, head 1", "layer 3, head 1"]
    assert [ax.get_title() for ax in maps(figure)] == [*titles, "layer 3, head 2"]
    shown = [torch.tensor(ax.get_images()[0].get_array()) for ax in maps(figure)]
    assert torch.equal(torch.stack(shown), torch.cat(list(layers.values())))
    figure.draw_without_rendering()
    rows = [round(ax.get_position().y0, 3) for ax in maps(figure)]
    assert rows[0] == rows[1] > rows[2] > rows[3] > rows[4] == rows[5]
    assert figure.get_suptitle() == "all of them"
    assert [ax.get_ylabel() for ax in maps(figure)] == ["target", "", "target", "target", "target", ""]  # once a row
    assert [ax.get_xlabel() for ax in maps(figure)] == ["source"] * 6  # no two of these rows share columns


def test_tokens_stand_at_the_outer_panels_and_a_space_can_be_seen():
    figure = plots.head_maps(weights(3, len(QUERIES), len(KEYS)), QUERIES, KEYS)
    first, second, third = maps(figure)
    seen = [token.replace(" ", "␣") for token in KEYS]
    assert "␣" in seen
    assert [written(ax.yaxis) for ax in (first, second, third)] == [QUERIES, [], QUERIES]
    assert [written(ax.xaxis) for ax in (first, second, third)] == [seen, seen, seen]  # below the second stands nothing
    assert [ax.get_xlabel() for ax in maps(figure)] == ["looks at"] * 3
    assert [ax.get_ylabel() for ax in maps(figure)] == ["position", "", "position"]
    square = maps(plots.head_maps(weights(4, len(QUERIES), len(KEYS)), QUERIES, KEYS))
    assert [written(ax.xaxis) for ax in square] == [[], [], seen, seen]
    assert [ax.get_xlabel() for ax in square] == ["", "", "looks at", "looks at"]
    turned = {label.get_text(): label.get_rotation() for label in third.get_xticklabels()}
    assert turned["Wednesday"] == 90 and turned["2"] == turned["␣"] == 0


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize(
    ("queries", "keys"),
    [(QUERIES, KEYS), (QUERIES, QUERIES), (KEYS, KEYS), (KEYS * 3, KEYS * 3), ("ab", "abc")],
    ids=["cross", "target", "source", "long", "short"],
)
def test_no_label_touches_another_and_the_figure_is_no_wider_than_a_phone_can_show(heads, queries, keys):
    figure = plots.head_maps(weights(heads, len(queries), len(keys)), queries, keys)
    assert figure.get_figwidth() <= WIDEST + 1e-6
    figure.draw_without_rendering()
    for axis in (axis for ax in maps(figure) for axis in (ax.xaxis, ax.yaxis)):
        boxes = [label.get_window_extent() for label in axis.get_ticklabels() if label.get_visible()]
        for box, after in itertools.pairwise(boxes):
            assert Bbox.intersection(box, after) is None


def test_four_heads_of_the_longest_date_stand_in_two_columns():
    """In one column, a figure of four heads would be 20 inches tall."""
    figure = plots.head_maps(weights(4, len(QUERIES), len(QUERIES)), QUERIES, QUERIES)
    assert len(QUERIES) == 15 and figure.get_figheight() < 9
    assert min(label.get_fontsize() for ax in maps(figure) for label in ax.get_yticklabels()) > 8


@pytest.mark.parametrize(
    "given",
    [
        {},
        torch.zeros(3, 3),
        torch.zeros(1, 2, 3, 3),
        torch.zeros(0, 3, 3),
        {"a": torch.zeros(1, 3, 3), "b": torch.zeros(1, 3, 4)},
    ],
    ids=["nothing", "one matrix", "a batch", "no head", "two shapes"],
)
def test_what_is_not_the_heads_of_one_sequence_is_refused(given):
    with pytest.raises(ValueError, match=r"give \(N, T, S\) of one sequence"):
        plots.head_maps(given)


@pytest.mark.parametrize("tokens", [{"queries": "abc"}, {"keys": "ab"}, {"queries": "ab", "keys": "abcd"}])
def test_another_number_of_tokens_is_refused(tokens):
    with pytest.raises(ValueError, match="give one token for each, or none"):
        plots.head_maps(weights(1, 2, 3), **tokens)
    with pytest.raises(ValueError, match="give one token for each, or none"):
        plots.masks({"one": torch.zeros(2, 3, dtype=torch.bool)}, **tokens)


def test_masks_fill_what_may_be_seen_and_cross_out_what_is_hidden():
    padding = padding_mask(torch.tensor([3]), 5).expand(5, 5)
    given = {"padding": padding, "causal": causal_mask(5), "both": padding | causal_mask(5)}
    figure = plots.masks(given, QUERIES[:5], QUERIES[:5])
    assert [ax.get_title() for ax in maps(figure)] == list(given)
    for ax, mask in zip(maps(figure), given.values(), strict=True):
        (image,) = ax.get_images()
        assert torch.equal(torch.tensor(image.get_array()), ~mask)
        hidden, seen = image.to_rgba([[0, 1]])[0, :, :3].mean(axis=1)
        assert hidden == 1 and seen < 0.5  # told apart without color
        crosses = {tuple(stroke.mean(axis=0).round().astype(int)[::-1]) for stroke in ax.collections[0].get_segments()}
        assert crosses == {tuple(place) for place in mask.nonzero().tolist()}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["may be seen", "hidden"]
    named = plots.masks(given, words=("output moves", "does not move"))
    assert [text.get_text() for text in named.legends[0].get_texts()] == ["output moves", "does not move"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"a": torch.zeros(3, 3)},
        {"a": torch.zeros(1, 3, 3, dtype=torch.bool)},
        {"a": torch.zeros(3, 3, dtype=torch.bool), "b": torch.zeros(3, 4, dtype=torch.bool)},
    ],
    ids=["nothing", "numbers", "a batch", "two shapes"],
)
def test_what_is_no_mask_is_refused(given):
    with pytest.raises(ValueError, match=r"at least one of shape \(T, S\) and dtype bool"):
        plots.masks(given)
