"""The layers of a transformer against PyTorch's, in values, weights and gradients; what they refuse to take over."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nbcode.models.masks import causal_mask
from nbcode.models.transformer_layers import ACTIVATIONS, DecoderLayer, EncoderLayer, LayerConfig
from twins import WAYS, assert_same_gradients, normal, pairs_of, random_padding, randomized, remember

repeatable = settings(derandomize=True, deadline=None, max_examples=60)
CLOSE = {"atol": 1e-9, "rtol": 1e-9}
KINDS = {"encoder": (EncoderLayer, nn.TransformerEncoderLayer), "decoder": (DecoderLayer, nn.TransformerDecoderLayer)}
each_kind = pytest.mark.parametrize("kind", KINDS)
sizes = st.integers(1, 5)
seeds = st.integers(0, 2**16)


def torchs(kind, d_model=4, n_heads=2, seed=0, **options):
    options = {"dim_feedforward": 7, "batch_first": True, "dtype": torch.float64} | options
    module = KINDS[kind][1](d_model, n_heads, **options)
    return randomized(module, seed, 0.7).eval()


def own(kind, **options):
    return KINDS[kind][0].from_torch(torchs(kind, **options))


layer_options = {
    "n_heads": st.integers(1, 3),
    "d_ff": st.integers(1, 6),
    "norm_first": st.booleans(),
    "activation": st.sampled_from([*WAYS["relu"], *WAYS["gelu"]]),
    "bias": st.booleans(),
    "eps": st.sampled_from([1e-5, 0.1]),
    "seed": seeds,
}


def layer_of(kind, n_heads, d_ff, norm_first, activation, bias, eps, seed):
    options = {"norm_first": norm_first, "activation": activation, "bias": bias, "layer_norm_eps": eps}
    return torchs(kind, 2 * n_heads, n_heads, seed, dim_feedforward=d_ff, dropout=0.3, **options)


@repeatable
@given(batch=st.integers(1, 3), t=sizes, padded=st.booleans(), **layer_options)
def test_an_encoder_layer_equals_pytorchs_in_values_weights_and_gradients(batch, t, padded, **options):
    theirs = layer_of("encoder", **options)
    ours = EncoderLayer.from_torch(theirs)
    x, x_theirs = (normal(options["seed"], batch, t, 2 * options["n_heads"]).requires_grad_() for _ in range(2))
    padding = random_padding(options["seed"], batch, t) if padded else None
    out, expected = ours(x, padding), theirs(x_theirs, src_key_padding_mask=padding)
    torch.testing.assert_close(out, expected, **CLOSE)
    upstream = normal(options["seed"] + 1, *out.shape)
    out.backward(upstream)
    expected.backward(upstream)
    torch.testing.assert_close(x.grad, x_theirs.grad, **CLOSE)
    assert_same_gradients(pairs_of(ours, theirs), ours.parameters(), theirs.parameters(), **CLOSE)
    kept = []
    remember(theirs.self_attn, kept)
    theirs(x, src_key_padding_mask=padding)
    again, weights = ours(x, padding, need_weights=True)
    torch.testing.assert_close(again, out, **CLOSE)
    torch.testing.assert_close(weights, kept[0], **CLOSE)


@repeatable
@given(batch=st.integers(1, 3), t=sizes, s=sizes, memory_padded=st.booleans(), padded=st.booleans(), **layer_options)
def test_a_decoder_layer_equals_pytorchs_in_values_weights_and_gradients(batch, t, s, memory_padded, padded, **options):
    theirs, seed = layer_of("decoder", **options), options["seed"]
    ours = DecoderLayer.from_torch(theirs)
    ys, memories = (
        [normal(seed + length, batch, length, 2 * options["n_heads"]).requires_grad_() for _ in range(2)]
        for length in (t, s)
    )
    memory_padding = random_padding(seed, batch, s) if memory_padded else None
    padding = random_padding(seed + 1, batch, t) if padded else None
    masks = {
        "tgt_mask": causal_mask(t),
        "tgt_key_padding_mask": padding,
        "memory_key_padding_mask": memory_padding,
    }
    out, expected = ours(ys[0], memories[0], memory_padding, padding), theirs(ys[1], memories[1], **masks)
    torch.testing.assert_close(out, expected, **CLOSE)
    upstream = normal(seed + 2, *out.shape)
    out.backward(upstream)
    expected.backward(upstream)
    for mine, twin in (ys, memories):
        torch.testing.assert_close(mine.grad, twin.grad, **CLOSE)
    assert_same_gradients(pairs_of(ours, theirs), ours.parameters(), theirs.parameters(), **CLOSE)
    kept = []
    remember(theirs.self_attn, kept)
    remember(theirs.multihead_attn, kept)
    theirs(ys[0], memories[0], **masks)
    again, weights = ours(ys[0], memories[0], memory_padding, padding, need_weights=True)
    torch.testing.assert_close(again, out, **CLOSE)
    torch.testing.assert_close(list(weights), kept, **CLOSE)


@pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])
def test_changing_the_future_moves_nothing_that_came_before(norm_first):
    layer, y, memory = own("decoder", norm_first=norm_first), normal(0, 2, 7, 4), normal(1, 2, 5, 4)
    changed = y.clone()
    changed[:, 4:] += 1
    assert torch.equal(layer(y, memory)[:, :4], layer(changed, memory)[:, :4])
    other = memory.clone()
    other[:, -1] += 1
    assert not torch.isclose(layer(y, other), layer(y, memory)).all(dim=-1).any()  # all places see all of the memory


@each_kind
def test_places_that_see_nothing_make_no_nan(kind):
    layer, x = own(kind), normal(0, 2, 3, 4).requires_grad_()
    nothing = torch.ones(2, 3, dtype=torch.bool)
    for need_weights in (False, True):
        out = layer(x, nothing, need_weights=need_weights) if kind == "encoder" else layer(x, x, nothing, nothing)
        out = out[0] if isinstance(out, tuple) else out
        out.sum().backward()
        assert out.isfinite().all() and x.grad.isfinite().all()


@each_kind
@pytest.mark.parametrize("training", [True, False])
def test_what_was_taken_over_is_a_copy_with_dtype_and_mode(kind, training):
    theirs = torchs(kind, dtype=torch.float32, dropout=0.3).train(training)
    ours = KINDS[kind][0].from_torch(theirs)
    before = {name: tensor.clone() for name, tensor in theirs.state_dict().items()}
    with torch.no_grad():
        for parameter in ours.parameters():
            assert parameter.dtype is torch.float32
            parameter += 5
    assert all(torch.equal(tensor, before[name]) for name, tensor in theirs.state_dict().items())
    assert {module.training for module in ours.modules()} == {training}
    shares = {module.p for module in ours.modules() if isinstance(module, nn.Dropout)}
    assert shares == {0.3} and ours.attention.dropout == 0.3


@each_kind
def test_dropout_works_in_training_alone_at_every_place_of_the_paper(kind):
    layer, x = own(kind, dropout=0.5), normal(0, 1, 3, 4)
    inputs = (x,) if kind == "encoder" else (x, normal(1, 1, 5, 4))
    assert torch.equal(layer(*inputs), layer(*inputs))
    layer.train()
    assert not torch.equal(layer(*inputs), layer(*inputs))
    of_theirs = sum(isinstance(module, nn.Dropout) for module in torchs(kind).modules())
    assert sum(isinstance(module, nn.Dropout) for module in layer.modules()) == of_theirs


def test_dropout_works_inside_of_the_network_too():
    network, x = own("encoder").train().feed_forward, normal(0, 2, 3, 4)
    network.dropout.p = 1.0
    assert torch.equal(network(x), network.outer.bias.expand(2, 3, 4))


@each_kind
@pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])
def test_with_everything_dropped_only_the_residuals_are_left(kind, norm_first):
    layer, x = own(kind, norm_first=norm_first).train(), normal(0, 2, 3, 4)
    parts = [part for part in layer.children() if hasattr(part, "enter")]
    for part in parts:
        part.dropout.p = 1.0
    expected = x
    for part in [] if norm_first else parts:
        expected = part.norm(expected)
    torch.testing.assert_close(layer(*[x] * (1 if kind == "encoder" else 2)), expected, **CLOSE)


@pytest.mark.parametrize("theirs", [activation for way in WAYS.values() for activation in way], ids=str)
@each_kind
def test_an_activation_is_known_in_every_way_of_giving_it(kind, theirs):
    name = next(name for name, ways in WAYS.items() if theirs in ways)
    assert own(kind, activation=theirs).feed_forward.activation is ACTIVATIONS[name]


@each_kind
def test_an_activation_that_does_not_exist_here_is_refused(kind):
    for other in (torch.tanh, nn.Tanh(), nn.GELU("tanh"), lambda x: x):
        with pytest.raises(ValueError, match=r"activation is .*; give a layer with one of relu, gelu, without approx"):
            own(kind, activation=other)


@each_kind
def test_a_layer_that_is_not_batch_first_is_refused(kind):
    with pytest.raises(ValueError, match=r"batch_first=False; give an nn.MultiheadAttention with batch_first=True"):
        own(kind, batch_first=False)


@each_kind
def test_a_module_that_is_no_such_layer_is_refused(kind):
    ours, theirs = KINDS[kind]
    (other,) = (twin for _, twin in KINDS.values() if twin is not theirs)
    for module in (nn.Linear(4, 4), other(4, 2, 7, batch_first=True), nn.MultiheadAttention(4, 2, batch_first=True)):
        told = f"it is a {type(module).__name__}; give an nn.{theirs.__name__}"
        with pytest.raises(ValueError, match=told):
            ours.from_torch(module)


@pytest.mark.parametrize(
    ("name", "norm"),
    [
        ("norm1", nn.RMSNorm(4)),
        ("norm2", nn.RMSNorm(4, eps=1e-5)),
        ("norm1", nn.LayerNorm(4, elementwise_affine=False)),
        ("norm2", nn.LayerNorm(4, elementwise_affine=False)),
        ("norm1", nn.LayerNorm(4, eps=0.1)),
        ("norm2", nn.LayerNorm(4, eps=0.1)),
        ("norm1", nn.Identity()),
    ],
    ids=str,
)
@each_kind
def test_normalizations_that_do_not_exist_here_are_refused(kind, name, norm):
    theirs = torchs(kind)
    setattr(theirs, name, norm)
    with pytest.raises(ValueError, match=r"the normalizations are .*; give nn.LayerNorm with a learned scale and one"):
        KINDS[kind][0].from_torch(theirs)


@each_kind
@pytest.mark.parametrize("name", ["dropout", "dropout1", "dropout2"])
def test_several_rates_of_dropout_are_refused(kind, name):
    theirs = torchs(kind, dropout=0.1)
    getattr(theirs, name).p = 0.4
    with pytest.raises(ValueError, match=r"the layer drops \[0.1, 0.4\] at different places"):
        KINDS[kind][0].from_torch(theirs)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"d_model": 0}, "d_model=0"),
        ({"n_heads": 0}, "n_heads=0"),
        ({"d_model": 10, "n_heads": 4}, "d_model=10, n_heads=4; .* d_model divisible by n_heads"),
        ({"d_ff": 0}, "d_ff is 0; give at least 1"),
        ({"dropout": 1.0}, "dropout is 1.0; give a probability from 0 to below 1"),
        ({"dropout": -0.1}, "dropout is -0.1"),
        ({"activation": "tanh"}, "activation is 'tanh'; choose one of relu, gelu"),
        ({"eps": 0.0}, "eps is 0.0; give a small positive number"),
    ],
    ids=str,
)
def test_a_configuration_out_of_range_is_refused_before_anything_is_built(setting, told):
    with pytest.raises(ValueError, match=told):
        LayerConfig(**setting)


@pytest.mark.parametrize(
    ("shapes", "told"),
    [
        (((2, 3, 5), (2, 3, 4)), r"the sequence is \(2, 3, 5\); give \(B, T, D\) with D = 4"),
        (((2, 3, 4), (2, 3, 5)), r"key has shape \(2, 3, 5\)"),
        (((2, 3, 4), (3, 3, 4)), "B, the batch, is 2 in query, 3 in key"),
        (((3, 4), (3, 4)), r"query has shape \(3, 4\); give \(B, length, D\)"),
    ],
    ids=["D", "D of the memory", "B", "dimensions"],
)
@pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])
def test_a_wrong_shape_is_refused_by_the_name_of_the_dimension(shapes, told, norm_first):
    layer = DecoderLayer(LayerConfig(4, 2, 3, norm_first=norm_first))
    with pytest.raises(ValueError, match=told):
        layer(*map(torch.zeros, shapes))
