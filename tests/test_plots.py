"""The static figures: what they show, read back from matplotlib; that they draw without a warning and are closed."""

import io
import statistics

import matplotlib.pyplot as plt
import pytest
import torch

from nbcode import plots
from nbcode.autograd import Value, ordered
from nbcode.models.neuron import Neurons
from nbcode.plots.style import WIDEST, columns_and_rows, new_panels
from nbcode.training.metrics import Bin

X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
AND, XOR = torch.tensor([0.0, 0.0, 0.0, 1.0]), torch.tensor([0.0, 1.0, 1.0, 0.0])


def fires_right_of_half(points):
    return (points[:, :1] > 0.5).float()


def bowl(x, y):
    return x**2 + 3 * y**2


def height(weights):
    return weights[..., 0] ** 2 + 3 * weights[..., 1] ** 2


MAP = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.1, 0.2, 0.7]])
HEADS = torch.stack([MAP, MAP.T, MAP.flip(0)])
BINS = [Bin(0.2, 0.3, 40, 0.26, 0.5), Bin(0.9, 1.0, 3, 0.97, 0.75)]
COUNTS = {"right": {"Lin": 5, "Sun": 3}, "wrong": {"Lin": 1, "Sun": 0}}
PATH = torch.tensor([[-2.0, 1.0], [-1.0, 0.0], [0.0, 0.5]])


FIGURES = {
    "planes": lambda: plots.decision_planes({"one": (X, AND, fires_right_of_half), "two": (X, XOR, None)}),
    "mistakes": lambda: plots.mistakes_per_epoch({"AND": [1, 2, 0], "XOR": [2, 3, 4, 4]}),
    "spread": lambda: plots.study_spread({0.1: [3, 5, 4], 0.4: [1, 2, 2]}, {0.1: 90, 0.4: 9}, ("m", "n", "limit")),
    "slice": lambda: plots.slice_through_surface(bowl, (1.0, 0.5), 2.0),
    "curves": lambda: plots.curves({"one": [3, 2, 1], "two": [4, 4]}, log="xy"),
    "bundle": lambda: plots.bundle([[0, 1, 2], [1, 1, 1]], ("target", 3), ("bound", [0, 2, 3]), ("step", "value")),
    "strips": lambda: plots.strips({"one": [1, 2, 3], "two": [2, 2, 9]}, ("target", 3), "value"),
    "predicted": lambda: plots.predicted_against_true([1, 2], {"before": [0, 0], "after": [1, 2]}),
    "errors": lambda: plots.errors_by_choice(
        [1, 2], {"train": [1, 0.1], "test": [1, 2]}, ("degree", "error"), (0.1, 1)
    ),
    "descents": lambda: plots.descents({"bowl": (height, {"path": PATH})}, (-3, 3), (-3, 3), ("u", "v")),
    "graph": lambda: plots.computation_graph(Value(2.0) * Value(3.0)),
    "attention": lambda: plots.attention_maps({"one": MAP, "two": MAP.T}, labels=["a", "b", "c"]),
    "heads": lambda: plots.head_maps({"layer 1": HEADS, "layer 2": HEADS}, ["年", "月", " "], ["Mon", ",", "3"]),
    "masks": lambda: plots.masks({"one": MAP < 0.2, "two": MAP < 0.6}, "abc"),
    "signed": lambda: plots.signed_maps({"one": MAP - 0.5}, ("column", "row")),
    "rows": lambda: plots.image_rows({"image": [MAP], "filters": [MAP - 0.5, -MAP]}, signed=["filters"]),
    "spreads": lambda: plots.spreads({"plain": {"one": {4: [0.1, 0.3, 0.2], 8: [0.5]}}}, ("n", "value"), log="xy"),
    "functions": lambda: plots.functions_with_slopes({"square": (torch.square, lambda x: 2 * x)}),
    "histograms": lambda: plots.layer_histograms({"one": {"layer 1": PATH, "layer 2": 0 * PATH}}, (-1, 1)),
    "images": lambda: plots.image_grid(torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)), "abc"),
    "counts": lambda: plots.class_counts(COUNTS, "requests"),
    "points": lambda: plots.class_points(PATH, torch.tensor([0, 1, 1]), ["Lin", "Sun"], ("first", "second")),
    "confusions": lambda: plots.confusions({"one": 10 * MAP, "two": MAP}, "abc"),
    "calibrations": lambda: plots.calibrations({"before": BINS, "after": BINS[:1]}),
    "chain": lambda: plots.chain_of_slopes(("x", "u", "y"), (1, 3, 9), (0.1, 0.2, 1.2)),
}


@pytest.fixture(autouse=True)
def tidy():
    """No figure stays open in pyplot and no setting stays changed, whatever the test did."""
    before = dict(plt.rcParams)
    yield
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before


def shown(lines, **wanted):
    """The points of the lines that have the wanted properties."""
    found = [line for line in lines if all(getattr(line, f"get_{name}")() == value for name, value in wanted.items())]
    return [[tuple(map(float, point)) for point in line.get_xydata()] for line in found]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def labels(ax):
    return ax.get_xlabel(), ax.get_ylabel()


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_every_figure_function_is_tried_here():
    tried = [
        "decision_planes", "mistakes_per_epoch", "study_spread", "slice_through_surface", "curves", "bundle", "strips",
        "predicted_against_true", "errors_by_choice", "descents", "computation_graph", "chain_of_slopes",
        "attention_maps", "head_maps", "masks", "signed_maps", "image_rows", "spreads",
        "functions_with_slopes", "layer_histograms", "image_grid", "class_counts", "class_points", "confusions",
        "calibrations",
    ]  # fmt: skip
    assert sorted(plots.__all__) == sorted(tried)
    assert len(FIGURES) == len(tried)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_draws_without_a_warning_and_is_not_blank(name):
    picture = io.BytesIO()
    FIGURES[name]().savefig(picture)  # warnings are errors
    picture.seek(0)
    pixels = plt.imread(picture)[..., :3]  # from 0 to 1
    assert (pixels.min(axis=2) < 0.5).mean() > 0.002


def test_planes_has_a_titled_panel_with_named_axes_for_each_model():
    figure = plots.decision_planes(
        {"AND": (X, AND, fires_right_of_half), "XOR": (X, XOR, None)}, {"XOR": ("left", "up")}
    )
    assert [ax.get_title() for ax in figure.axes] == ["AND", "XOR"]
    assert [labels(ax) for ax in figure.axes] == [("$x_1$", "$x_2$"), ("left", "up")]
    assert all(ax.get_xlim() == ax.get_ylim() == (-0.5, 1.5) for ax in figure.axes)


def test_planes_shows_the_two_labels_in_different_shapes():
    (ax,) = plots.decision_planes({"": (X, XOR, None)}).axes
    zeros, ones = ((line.get_marker(), line.get_markerfacecolor()) for line in ax.lines)
    assert zeros[0] != ones[0] and zeros[1] != ones[1]
    assert shown(ax.lines, label="label 0") == [[(0, 0), (1, 1)]]
    assert shown(ax.lines, label="label 1") == [[(0, 1), (1, 0)]]
    assert shown(ax.lines, label="miss") == []
    assert not ax.collections


def test_planes_puts_a_cross_on_every_miss_and_nowhere_else():
    figure = plots.decision_planes({"AND": (X, AND, fires_right_of_half), "XOR": (X, XOR, fires_right_of_half)})
    assert [shown(ax.lines, label="miss", marker="x") for ax in figure.axes] == [[[(1, 0)]], [[(0, 1), (1, 1)]]]
    (ax,) = plots.decision_planes({"": (X, AND, Neurons.of([[1.0, 1.0]], [-1.5]).fire)}).axes
    assert shown(ax.lines, label="miss") == [[]]


def test_planes_shades_where_the_model_fires():
    (ax,) = plots.decision_planes({"": (X, AND, fires_right_of_half)}).axes
    shaded = ax.collections[0].get_paths()[0]
    assert shaded.contains_point((1.2, 0.0)) and shaded.contains_point((1.2, 1.2))
    assert not shaded.contains_point((0.0, 1.2)) and not shaded.contains_point((0.2, 0.2))
    border = ax.collections[1].get_paths()[0].vertices
    assert abs(border[:, 0] - 0.5).max() < 0.02  # the line x1 = 0.5, up to the grid


@pytest.mark.parametrize("bias", [-1.0, 1.0])
def test_planes_draws_no_border_where_there_is_none(bias):
    (ax,) = plots.decision_planes({"": (X, AND, Neurons.of([[0.0, 0.0]], [bias]).fire)}).axes
    assert len(ax.collections) == 1
    assert any(path.contains_point((0.3, 0.7)) for path in ax.collections[0].get_paths()) is (bias > 0)


def test_planes_takes_a_model_with_parameters():
    model = Neurons.of([[1.0, 1.0]], [-1.5])
    plots.decision_planes({"": (X, AND, lambda points: model(points).clamp(0, 1).round())})


@pytest.mark.parametrize("points", [torch.zeros(4, 3), torch.zeros(4, 1), torch.zeros(4), torch.zeros(1, 4, 2)])
def test_planes_refuses_points_that_are_not_in_a_plane(points):
    with pytest.raises(ValueError) as refusal:
        plots.decision_planes({"": (points, AND, None)})
    assert str(tuple(points.shape)) in str(refusal.value) and "(B, 2)" in str(refusal.value)


def test_planes_refuses_no_panel():
    with pytest.raises(ValueError, match="at least one"):
        plots.decision_planes({})


def test_mistakes_shows_one_labeled_line_per_run_from_epoch_1():
    runs = {"AND": [1, 2, 0], "XOR": [2, 3, 4, 4], "OR": [1, 0], "NAND": [4, 0]}
    (ax,) = plots.mistakes_per_epoch(runs).axes
    assert legend(ax) == list(runs)
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1, 2, 3], [1, 2, 3, 4], [1, 2], [1, 2]]
    assert [list(line.get_ydata()) for line in ax.lines] == list(runs.values())
    assert len({line.get_linestyle() for line in ax.lines}) == 4  # told apart in black and white
    assert labels(ax) == ("epoch", "mistakes in the epoch")
    assert ax.get_ylim()[0] == 0


@pytest.mark.parametrize("count", [0, 5])
def test_mistakes_refuses_no_run_and_too_many(count):
    with pytest.raises(ValueError, match=f"{count} runs given; give 1 to 4"):
        plots.mistakes_per_epoch({str(number): [0] for number in range(count)})


@pytest.mark.parametrize(
    "values",
    [{0.1: [3, 9, 4], 0.4: [7, 1, 2]}, {0.1: [3, 9, 4, 5], 0.4: [1, 7, 2, 40]}],
    ids=["odd number of seeds", "even number of seeds"],
)
def test_spread_shows_every_seed_the_median_and_the_limit(values):
    limits = {0.1: 90, 0.2: 30, 0.4: 9}
    (ax,) = plots.study_spread(values, limits, ("margin", "mistakes", "bound")).axes
    assert shown(ax.lines, marker="o") == [[(key, value) for value in seeds] for key, seeds in values.items()]
    assert shown(ax.lines, linestyle="-") == [[(key, statistics.median(seeds)) for key, seeds in values.items()]]
    assert shown(ax.lines, linestyle="--") == [list(limits.items())]
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert labels(ax) == ("margin", "mistakes")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0.1", "0.4"]
    median, limit = legend(ax)
    assert "mistakes" in median and "median" in median and limit == "bound"


def test_slice_shows_the_function_along_the_line_and_a_tangent_that_touches_it():
    x0, y0, slope = 1.0, 0.5, 2.0
    above, along = plots.slice_through_surface(bowl, (x0, y0), slope, reach=1.5).axes
    curve, tangent, point = (line.get_xydata() for line in along.lines)
    assert (curve[0, 0], curve[-1, 0]) == (-1.5, 1.5)
    assert curve[:, 1] == pytest.approx([x**2 + 0.75 for x in curve[:, 0].tolist()])
    (x1, z1), (x2, z2) = tangent.tolist()
    assert (z2 - z1) / (x2 - x1) == pytest.approx(slope)
    assert point.tolist() == [[x0, 1.75]]
    assert z1 + slope * (x0 - x1) == pytest.approx(1.75)
    assert {tuple(place) for line in above.lines[:1] for place in line.get_xydata()[:, 1:]} == {(y0,)}
    assert above.lines[1].get_xydata().tolist() == [[x0, y0]]
    assert "y = 0.5" in above.get_title()
    assert labels(above) == ("x", "y") and labels(along) == ("x", "f(x, 0.5)")


def test_slice_draws_the_contour_lines_that_were_asked_for():
    above, _ = plots.slice_through_surface(bowl, (1.0, 0.5), 2.0, levels=[1, 2, 4]).axes
    assert [list(lines.levels) for lines in above.collections] == [[1, 2, 4]]


def test_chain_shows_each_quantity_its_nudge_and_the_slopes_between_them():
    (ax,) = plots.chain_of_slopes(("x", "u", "y"), (1, 3, 9), (0.1, 0.2, 1.2)).axes
    assert [text for text in texts(ax) if "=" in text] == ["x = 1", "u = 3", "y = 9"]
    assert [text for text in texts(ax) if text.startswith("+")] == ["+0.1", "+0.2", "+1.2"]
    assert [text for text in texts(ax) if text.startswith("×")] == ["× 2", "× 6"]
    arrows = [(text.xyann, text.xy) for text in ax.texts if hasattr(text, "arrow_patch")]
    assert arrows == [((0, 0), (0.1, 0)), ((0, -1), (0.2, -1)), ((0, -2), (1.2, -2))]
    assert ax.get_xlim()[1] > 1.2


@pytest.mark.parametrize(
    "lists", [(("x",), (1, 2), (0.1, 0.2)), (("x", "y"), (1,), (0.1, 0.2)), (("x", "y"), (1, 2), (0.1,))]
)
def test_chain_refuses_lists_of_different_lengths(lists):
    names, values, nudges = map(len, lists)
    with pytest.raises(ValueError, match=f"{names} names, {values} values and {nudges} nudges"):
        plots.chain_of_slopes(*lists)


def test_a_nudge_to_the_left_is_drawn_to_the_left_and_inside():
    (ax,) = plots.chain_of_slopes(("x", "y"), (1, 2), (0.1, -0.2)).axes
    assert ax.get_xlim()[0] < -0.2
    assert "-0.2" in {text.get_text() for text in ax.texts}


@pytest.mark.parametrize("chain", [((), (), ()), (("x", "y"), (1, 2), (0.0, 1.0))])
def test_a_chain_without_a_ratio_is_refused(chain):
    with pytest.raises(ValueError):
        plots.chain_of_slopes(*chain)


def test_a_plane_without_points_is_refused():
    with pytest.raises(ValueError, match="at least one point"):
        plots.decision_planes({"": (torch.zeros(0, 2), torch.zeros(0), None)})


def test_curves_show_every_value_at_its_place():
    runs, at = {"one": [3, 2, 1], "two": [4, 4]}, {"two": [10, 20]}
    (ax,) = plots.curves(runs, ("epoch", "loss"), at=at).axes
    one, two = ax.lines
    assert shown([one]) == [[(1, 3), (2, 2), (3, 1)]] and shown([two]) == [[(10, 4), (20, 4)]]
    assert legend(ax) == ["one", "two"] and labels(ax) == ("epoch", "loss")
    assert one.get_linestyle() != two.get_linestyle()  # told apart without color


@pytest.mark.parametrize(
    ("log", "across", "up"), [("", "linear", "linear"), ("y", "linear", "log"), ("xy", "log", "log")]
)
def test_curves_have_the_axes_that_are_asked_for(log, across, up):
    (ax,) = plots.curves({"one": [1, 2]}, log=log).axes
    assert (ax.get_xscale(), ax.get_yscale()) == (across, up)
    assert ax.get_legend() is None  # one line needs no name


@pytest.mark.parametrize("runs", [{}, {"one": []}, {str(k): [1] for k in range(5)}])
def test_curves_refuse_what_they_cannot_tell_apart(runs):
    with pytest.raises(ValueError, match="give 1 to 4 runs"):
        plots.curves(runs)


def test_a_bundle_has_a_line_for_each_run_its_target_and_its_bound():
    (ax,) = plots.bundle([[0, 1, 2], [1, 1, 1]], ("target", 3), ("bound", [0, 2, 3]), ("step", "value")).axes
    assert [list(line.get_ydata()) for line in ax.lines] == [[0, 1, 2], [1, 1, 1], [3, 3], [0, 2, 3]]
    assert legend(ax) == ["2 runs", "target", "bound"]


def test_strips_show_every_seed_and_the_median():
    (ax,) = plots.strips({"one": [3, 1, 2], "two": [2, 9, 2]}, ("target", 4), "value").axes
    dots, middle, others, other_middle, target = ax.lines
    assert list(dots.get_xdata()) == [3, 1, 2] and list(others.get_xdata()) == [2, 9, 2]
    assert set(middle.get_xdata()) == {2} and set(other_middle.get_xdata()) == {2}
    assert set(target.get_xdata()) == {4}
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["one", "two"]
    low, high = ax.get_ylim()
    assert low > high  # the first row is on top
    assert legend(ax) == ["median", "target"]


def test_strips_do_without_a_target_and_hide_no_dot_behind_the_bar():
    (ax,) = plots.strips({"a model without cross-attention": [3, 1, 2]}, None, "value").axes
    dots, middle = ax.lines
    assert legend(ax) == ["median"] and dots.get_zorder() > middle.get_zorder()
    (name,) = [tick.get_text() for tick in ax.get_yticklabels()]
    assert name == "a model without\ncross-attention"  # not broken at the hyphen


@pytest.mark.parametrize("count", range(1, 10))
@pytest.mark.parametrize("width", [0.5, 1.9, 2.7, 3.0, 5.4, 7.0])
def test_panels_stand_in_even_rows_no_wider_than_a_phone_can_show(count, width):
    columns, rows = columns_and_rows(count, width)
    assert columns * width <= WIDEST or columns == 1
    assert (rows - 1) * columns < count <= rows * columns
    with new_panels(count, width, 1.0) as (figure, panels):
        assert len(panels) == count
        assert tuple(figure.get_size_inches()) == pytest.approx((columns * width, rows))


def test_predictions_stand_over_their_targets_beside_the_diagonal():
    figure = plots.predicted_against_true([1, 5, 2], {"before": [0, 0, 1], "after": [1, 5, 2]})
    assert [ax.get_title() for ax in figure.axes] == ["before", "after"]
    for ax, values in zip(figure.axes, ([0, 0, 1], [1, 5, 2]), strict=True):
        diagonal, dots = ax.lines
        assert shown([diagonal]) == [[(1, 1), (5, 5)]]
        assert list(dots.get_xdata()) == [1, 5, 2] and list(dots.get_ydata()) == values


def test_errors_stand_over_the_choice():
    (ax,) = plots.errors_by_choice([1, 2], {"train": [1, 0.1], "test": [1, 2]}, ("degree", "error"), (0.1, 1)).axes
    assert shown(ax.lines) == [[(1, 1), (2, 0.1)], [(1, 1), (2, 2)]]
    assert legend(ax) == ["train", "test"] and labels(ax) == ("degree", "error")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0.1", "1"]


def test_descents_draw_the_path_and_where_it_starts():
    panels = {name: (height, {"path": PATH}) for name in "abcd"}
    figure = plots.descents(panels, (-3, 3), (-2, 2), ("u", "v"))
    drawn = [ax for ax in figure.axes if ax.get_title()]
    assert [ax.get_title() for ax in drawn] == list("abcd")
    path, start = drawn[0].lines
    assert shown([path]) == [[tuple(point) for point in PATH.tolist()]]
    assert shown([start]) == [[(-2, 1)]]
    assert drawn[0].get_xlim() == (-3, 3) and drawn[0].get_ylim() == (-2, 2) and labels(drawn[0]) == ("u", "v")


def test_descents_shade_what_is_higher_darker():
    """Height grows faster upward than across: read the contour levels on both axes."""
    figure = plots.descents({"bowl": (height, {})}, (-3, 3), (-3, 3), ("u", "v"))
    filled = figure.axes[0].collections[0]
    colors = filled.get_facecolors()[:, :3].mean(axis=1)
    assert list(colors) == sorted(colors, reverse=True)  # later levels are higher, and darker


@pytest.mark.parametrize("path", [torch.zeros(3), torch.zeros(3, 3)])
def test_descents_refuse_a_path_of_another_shape(path):
    with pytest.raises(ValueError, match=r"give \(T, 2\)"):
        plots.descents({"bowl": (height, {"path": path})}, (-3, 3), (-3, 3), ("u", "v"))
    with pytest.raises(ValueError, match="no panel"):
        plots.descents({}, (-3, 3), (-3, 3), ("u", "v"))


def test_a_graph_shows_every_value_with_its_gradient_and_no_two_boxes_meet():
    w, x = Value(0.5, name="w"), Value(2.0, name="x")
    loss = ((w * x + w).tanh() - 1) ** 2
    loss.backward()
    (ax,) = plots.computation_graph(loss).axes
    boxes = [patch.get_xy() for patch in ax.patches]
    assert len(boxes) == len(ordered(loss)) == len(set(boxes))
    written = texts(ax)
    for value in ordered(loss):
        assert f"{value.data:.4g}" in written and f"∂ {value.grad:.4g}" in written
    assert {"w", "x", "×", "tanh", "− 1", "** 2"} <= set(written)
    for value, (left, _) in zip(ordered(loss), boxes, strict=True):
        for parent in value.parents:  # arrows lead to the right
            assert boxes[ordered(loss).index(parent)][0] < left


def test_a_graph_that_nobody_could_read_is_refused():
    value = Value(1.0)
    for _ in range(50):
        value = value + value
    with pytest.raises(ValueError, match="51 values"):
        plots.computation_graph(value)


def test_attention_maps_show_every_weight_on_one_scale_and_name_rows_and_columns():
    figure = plots.attention_maps({"one": MAP, "two": MAP[:2]}, labels=["a", "b", "c"])
    for ax, weights in zip(figure.axes, (MAP, MAP[:2]), strict=False):
        (image,) = ax.get_images()
        assert torch.equal(torch.tensor(image.get_array()), weights)
        assert image.get_clim() == (0, 1)
        assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]
    rows = [[label.get_text() for label in ax.get_yticklabels()] for ax in figure.axes[:2]]
    assert rows[0] == ["a", "b", "c"] and "c" not in rows[1]  # two queries are not the three keys
    assert labels(figure.axes[0]) == ("looks at", "position")


def test_attention_maps_write_numbers_that_can_be_read_on_their_ground():
    figure = plots.attention_maps({"share": MAP}, bar="share right", values=True)
    panel, bar = figure.axes
    assert bar.get_ylabel() == "share right"
    (image,) = panel.get_images()
    assert len(panel.texts) == MAP.numel()
    for text in panel.texts:
        column, row = text.get_position()
        assert text.get_text() == f"{MAP[row, column]:.2f}"
        ground, letters = image.to_rgba(MAP[row, column].item())[0], {"white": 1, "black": 0}[text.get_color()]
        assert abs(ground - letters) > 0.4
    assert not plots.attention_maps({"share": MAP}).axes[0].texts


def test_signed_maps_have_white_at_zero():
    maps = {"below": MAP - 0.9, "above": MAP - 0.1, "nothing": 0 * MAP}
    panels = plots.signed_maps(maps, ("column", "row")).axes[:3]
    for ax, largest in zip(panels, (0.9, 0.9, 1.0), strict=True):
        (image,) = ax.get_images()
        low, high = image.get_clim()
        assert low == -high == pytest.approx(-largest)
        assert image.cmap(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.05)
        assert labels(ax) == ("column", "row")
    named = plots.signed_maps(maps, ("column", "row"), {"above": ("entry", "position")}).axes
    assert [labels(ax) for ax in named[:3]] == [("column", "row"), ("entry", "position"), ("column", "row")]


def test_image_rows_share_a_scale_in_each_row_and_leave_the_rest_empty():
    figure = plots.image_rows({"images": [MAP, 2 * MAP], "filters": [-MAP]}, signed=["filters"])
    first, second, third, empty = figure.axes
    assert [ax.get_images()[0].get_clim() for ax in (first, second, third)] == [(0, 2), (0, 2), (-1, 1)]
    assert not empty.get_images() and not empty.axison
    assert [first.get_ylabel(), third.get_ylabel()] == ["images", "filters"]


def test_spreads_show_median_lowest_and_highest_of_every_line():
    values = {4: [0.1, 0.4, 0.2], 16: [0.9, 0.5, 0.6]}
    figure = plots.spreads({"a": {"one": values}, "b": {"two": values}}, ("n", "share"), level=("chance", 0.125))
    assert [ax.get_title() for ax in figure.axes] == ["a", "b"]
    for ax, label in zip(figure.axes, ("one", "two"), strict=True):
        line, level = ax.get_lines()
        assert line.get_label() == label
        assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([4, 16], [0.2, 0.6])
        assert set(level.get_ydata()) == {0.125}
        band = {tuple(point) for point in ax.collections[0].get_paths()[0].vertices.round(6).tolist()}
        assert {(4, 0.1), (4, 0.4), (16, 0.5), (16, 0.9)} <= band
        assert ax.get_xscale() == "log" and labels(ax)[1] == "share"
    above, below = figure.axes  # one below the other: the same parameter at the same place
    assert above.get_position().y0 > below.get_position().y1
    assert labels(below)[0] == "n" and [tick.get_text() for tick in below.get_xticklabels()] == ["4", "16"]
    (plain,) = plots.spreads({"a": {"one": values}}, ("n", "share"), log="").axes
    assert (plain.get_xscale(), plain.get_yscale()) == ("linear", "linear")
    assert set(plain.get_xticks()) - {4, 16}  # round numbers in between, as matplotlib places them


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.attention_maps({}),
        lambda: plots.attention_maps({"one": MAP[0]}),
        lambda: plots.attention_maps({"one": MAP}, labels="ab"),
        lambda: plots.attention_maps({"one": MAP}, labels="abcd"),
        lambda: plots.signed_maps({"one": MAP[None]}, ("x", "y")),
        lambda: plots.image_rows({}),
        lambda: plots.image_rows({"none": []}),
        lambda: plots.spreads({}, ("n", "value")),
        lambda: plots.spreads({"a": {}}, ("n", "value")),
        lambda: plots.spreads({"a": {str(k): {1: [1]} for k in range(5)}}, ("n", "value")),
        lambda: plots.spreads({"a": {"one": {1: []}}}, ("n", "value")),
    ],
)
def test_matrices_and_spreads_refuse_what_cannot_be_drawn(draw):
    with pytest.raises(
        ValueError, match=r"give at least one|give one label per column|has a parameter without a value"
    ):
        draw()


class OnGPU(torch.Tensor):
    """Stands for a tensor on a GPU: matplotlib cannot read it before it is moved."""

    def cpu(self):
        return self.as_subclass(torch.Tensor)

    def __array__(self, *arguments, **options):
        raise TypeError("can't convert cuda tensor to numpy")

    numpy = __array__


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    "draw",
    [
        lambda map_: plots.attention_maps({"one": map_}),
        lambda map_: plots.head_maps(map_[None]),
        lambda map_: plots.masks({"one": map_ > 0.5}),
        lambda map_: plots.signed_maps({"one": map_}, ("x", "y")),
        lambda map_: plots.image_rows({"one": [map_]}),
        lambda map_: plots.image_grid(map_[None, None], ["one"]),
        lambda map_: plots.layer_histograms({"one": {"layer": map_}}, (0, 1)),
    ],
)
def test_tensors_of_a_gpu_of_any_precision_and_with_a_gradient_are_drawn(draw, dtype):
    draw(MAP.to(dtype).as_subclass(OnGPU).requires_grad_())


def test_a_function_stands_beside_its_derivative():
    names = {str(power): (lambda x, p=power: x**p, lambda x, p=power: p * x ** (p - 1)) for power in (1, 2, 3, 4)}
    figure = plots.functions_with_slopes(names, (-1, 1))
    drawn = [ax for ax in figure.axes if ax.get_title()]
    assert [ax.get_title() for ax in drawn] == ["1", "2", "3", "4"]
    function, slope = drawn[2].lines
    x = function.get_xdata()
    assert (x[0], x[-1]) == (-1, 1)
    assert function.get_ydata() == pytest.approx(x**3, abs=1e-6) and slope.get_ydata() == pytest.approx(3 * x**2)
    assert function.get_linestyle() != slope.get_linestyle() and legend(drawn[0]) == ["function", "derivative"]
    with pytest.raises(ValueError, match="no panel"):
        plots.functions_with_slopes({})


def test_each_layer_has_its_histogram_and_nothing_falls_out():
    row = {"layer 1": torch.tensor([-0.5, 0.5, 0.5]), "layer 2": torch.tensor([[-9.0], [0.0], [9.0]])}
    figure = plots.layer_histograms({"small": row, "large": row}, (-1, 1))
    assert [ax.get_title() for ax in figure.axes] == ["layer 1", "layer 2", "", ""]
    assert [ax.get_ylabel() for ax in figure.axes] == ["small", "", "large", ""]
    heights = figure.axes[0].patches[0].get_data().values
    assert heights.max() == 1 and sorted(heights[heights > 0]) == [0.5, 1]
    beyond = figure.axes[1].patches[0].get_data().values
    assert beyond[0] == beyond[20] == beyond[-1] == 1  # what lies outside is counted at the ends


@pytest.mark.parametrize("rows", [{}, {"a": {}}, {"a": {"x": PATH}, "b": {"y": PATH}}])
def test_networks_with_different_layers_are_refused(rows):
    with pytest.raises(ValueError, match="the same layers"):
        plots.layer_histograms(rows, (-1, 1))


def test_images_stand_in_order_with_their_titles():
    images = torch.arange(10.0).reshape(10, 1, 1, 1).expand(10, 1, 2, 2) / 10
    figure = plots.image_grid(images, [f"{k}" for k in range(10)])
    shown_images = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in shown_images] == [f"{k}" for k in range(10)]
    assert shown_images[7].images[0].get_array().tolist() == [[pytest.approx(0.7)] * 2] * 2
    assert shown_images[0].images[0].get_clim() == (0, 1)


@pytest.mark.parametrize(("shape", "titles"), [((2, 8, 8), "ab"), ((2, 3, 8, 8), "ab"), ((2, 1, 8, 8), "a")])
def test_images_of_other_shapes_are_refused(shape, titles):
    with pytest.raises(ValueError, match=r"give \(B, 1, H, W\)"):
        plots.image_grid(torch.zeros(shape), titles)


def test_counts_of_classes_stand_behind_each_other_with_their_sum():
    (ax,) = plots.class_counts(COUNTS, "requests").axes
    pieces = [(bar.get_y() + bar.get_height() / 2, bar.get_x(), bar.get_width()) for bar in ax.patches]
    assert pieces == [(0, 0, 5), (1, 0, 3), (0, 5, 1), (1, 3, 0)]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["Lin", "Sun"] and ax.yaxis_inverted()
    assert [text.strip() for text in texts(ax)] == ["6", "3"]
    assert legend(ax) == ["right", "wrong"]
    right, wrong = ax.patches[0], ax.patches[2]
    assert right.get_hatch() != wrong.get_hatch()  # in black and white too


@pytest.mark.parametrize("counts", [{}, {"a": {"x": 1}, "b": {"y": 1}}, {key: {"x": 1} for key in "abcd"}])
def test_counts_of_other_classes_are_refused(counts):
    with pytest.raises(ValueError, match="all of the same classes"):
        plots.class_counts(counts, "requests")


def test_each_class_has_a_shape_of_its_own_and_a_mark_in_its_middle():
    names = [f"PM {number}" for number in range(8)]
    points = torch.arange(32.0).reshape(16, 2)
    figure = plots.class_points(points, torch.arange(16) % 8, names, ("first", "second"))
    (ax,) = figure.axes
    clouds, middles = ax.lines[::2], ax.lines[1::2]
    assert len({line.get_marker() for line in middles}) == 8
    assert (
        len(
            {
                (line.get_markerfacecolor(), cloud.get_markeredgecolor())
                for line, cloud in zip(middles, clouds, strict=True)
            }
        )
        == 8
    )
    for number, (cloud, middle) in enumerate(zip(clouds, middles, strict=True)):
        assert cloud.get_marker() == middle.get_marker() and middle.get_label() == names[number]
        assert cloud.get_xydata().tolist() == points[[number, number + 8]].tolist()
        assert middle.get_xydata().tolist() == [points[[number, number + 8]].mean(dim=0).tolist()]
    assert labels(ax) == ("first", "second")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == names


def test_a_class_without_a_point_has_no_mark():
    (ax,) = plots.class_points(PATH, torch.tensor([0, 2, 2]), "abc", ("first", "second")).axes
    assert [line.get_label() for line in ax.lines[1::2]] == ["a", "c"]


@pytest.mark.parametrize(
    ("points", "numbers", "names"),
    [
        (torch.zeros(3, 3), [0, 0, 0], "a"),
        (PATH, [0, 1], "ab"),
        (PATH, [0, 1, 2], "ab"),
        (PATH, [0, -1, 1], "ab"),
        (PATH, [0, 1, 2], "abcdefghi"),
    ],
)
def test_points_without_a_name_are_refused(points, numbers, names):
    with pytest.raises(ValueError, match="give"):
        plots.class_points(points, torch.tensor(numbers), names, ("first", "second"))


def test_confusions_are_dark_by_their_share_of_the_row_and_tell_the_counts():
    counts = torch.tensor([[8, 2, 0], [0, 0, 0], [1, 1, 2]])
    figure = plots.confusions({"before": counts, "after": counts.T}, ["Lin", "Sun", "Wu"])
    before, after = figure.axes
    assert before.images[0].get_array().tolist() == [pytest.approx([0.8, 0.2, 0]), [0, 0, 0], [0.25, 0.25, 0.5]]
    assert [(text.get_position(), text.get_text(), text.get_color()) for text in before.texts] == [
        ((0, 0), "8", "white"), ((1, 0), "2", "black"), ((0, 2), "1", "black"), ((1, 2), "1", "black"),
        ((2, 2), "2", "black"),
    ]  # fmt: skip
    assert (before.get_title(), after.get_title()) == ("before", "after")
    assert labels(before) == ("named", "right")
    for names in (before.get_xticklabels(), before.get_yticklabels()):
        assert [name.get_text() for name in names] == ["Lin", "Sun", "Wu"]


@pytest.mark.parametrize("panels", [{}, {"one": MAP[:2]}, {"one": torch.zeros(2, 2)}])
def test_confusions_of_other_shapes_are_refused(panels):
    with pytest.raises(ValueError, match=r"give \(C, C\)"):
        plots.confusions(panels, "abc")


def test_calibrations_show_the_share_right_the_confidence_and_the_count_of_each_range():
    figure = plots.calibrations({"before": BINS, "after": BINS[:1]})
    before, after = figure.axes
    bars = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in before.patches]
    assert bars == [(0.2, pytest.approx(0.1), 0.5), (0.9, pytest.approx(0.1), 0.75)]
    assert shown(before.lines, label="confidence") == [[(0.26, 0.26), (0.97, 0.97)]]
    assert texts(before) == ["40", "3"] and texts(after) == ["40"]
    many, few = (bar.get_facecolor() for bar in before.patches)
    assert few == (1, 1, 1, 1) != many  # of three cases
    assert before.get_xlim() == (0, 1) and labels(before) == ("confidence", "share right")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["right", "confidence"]


@pytest.mark.parametrize("panels", [{}, {"one": []}])
def test_calibrations_without_a_range_are_refused(panels):
    with pytest.raises(ValueError, match="none empty"):
        plots.calibrations(panels)
