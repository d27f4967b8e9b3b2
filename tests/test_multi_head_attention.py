"""Multi-head attention against PyTorch's in values, weights and gradients; its two paths against each other."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nbcode.models import attention
from nbcode.models.attention import MultiHeadAttention, fused_is_faster
from nbcode.models.masks import causal_mask, padding_mask
from twins import assert_same_gradients, normal, pairs_of, random_padding, randomized

repeatable = settings(derandomize=True, deadline=None, max_examples=60)
CLOSE = {"atol": 1e-9, "rtol": 1e-9}
NEAR = {  # two ways of rounding
    torch.float64: CLOSE,
    torch.float32: {"atol": 1e-5, "rtol": 1e-5},
    torch.bfloat16: {"atol": 0.1, "rtol": 0.1},
}
sizes = st.integers(1, 5)
seeds = st.integers(0, 2**16)


def torchs(d_model, n_heads, seed=0, dtype=torch.float64, **options):
    module = nn.MultiheadAttention(d_model, n_heads, batch_first=True, dtype=dtype, **options)
    return randomized(module, seed, d_model**-0.5)


def own(d_model, n_heads, seed=0, dtype=torch.float64, **options):
    return MultiHeadAttention.from_torch(torchs(d_model, n_heads, seed, dtype, **options))


def three(kind, seed, batch, t, s, d_model):
    """Query, key and value, and the tensors that stand behind them: one, two or three."""
    lengths = {"self": (t,), "memory": (t, s), "three": (t, s, s)}[kind]
    leaves = [normal(seed + i, batch, length, d_model).requires_grad_() for i, length in enumerate(lengths)]
    return {"self": leaves * 3, "memory": [leaves[0], *leaves[1:] * 2], "three": leaves}[kind], leaves


@pytest.fixture
def chosen(monkeypatch):
    """Choose a path by hand; the list tells which one ran."""
    ran = []
    for name in ("_fused", "scaled_dot_product_attention"):
        function = getattr(attention, name)
        monkeypatch.setattr(
            attention, name, lambda *inputs, name=name, function=function: (ran.append(name), function(*inputs))[1]
        )

    def choose(fused):
        ran.clear()
        monkeypatch.setattr(attention, "fused_is_faster", lambda device, dtype: fused)
        return ran

    return choose


# --- against PyTorch


@pytest.mark.parametrize("kind", ["self", "memory", "three"])
@repeatable
@given(
    batch=st.integers(1, 3),
    n_heads=st.integers(1, 4),
    width=st.integers(1, 3),
    t=sizes,
    s=sizes,
    padded=st.booleans(),
    causal=st.booleans(),
    bias=st.booleans(),
    need_weights=st.booleans(),
    seed=seeds,
)
def test_values_weights_and_gradients_equal_pytorchs(
    kind, batch, n_heads, width, t, s, padded, causal, bias, need_weights, seed
):
    s = t if causal or kind == "self" else s
    theirs = torchs(n_heads * width, n_heads, seed, bias=bias)
    ours = MultiHeadAttention.from_torch(theirs)
    (inputs, leaves), (inputs_theirs, leaves_theirs) = (
        three(kind, seed, batch, t, s, n_heads * width) for _ in range(2)
    )
    padding = random_padding(seed, batch, s) if padded else None
    out = ours(*inputs, padding, causal, need_weights)
    out_theirs, weights_theirs = theirs(
        *inputs_theirs,
        key_padding_mask=padding,
        attn_mask=causal_mask(t) if causal else None,
        need_weights=need_weights,
        average_attn_weights=False,
    )
    if need_weights:
        out, weights = out
        assert weights.shape == (batch, n_heads, t, s)
        torch.testing.assert_close(weights, weights_theirs, **CLOSE)
    torch.testing.assert_close(out, out_theirs, **CLOSE)
    upstream = normal(seed + 9, *out.shape)
    out.backward(upstream)
    out_theirs.backward(upstream)
    for mine, twin in zip(leaves, leaves_theirs, strict=True):
        torch.testing.assert_close(mine.grad, twin.grad, **CLOSE)
    assert_same_gradients(pairs_of(ours, theirs), ours.parameters(), theirs.parameters(), **CLOSE)


def test_gradients_flow_through_the_weights_too_as_in_pytorch():
    theirs = torchs(6, 3)
    ours = MultiHeadAttention.from_torch(theirs)
    x, upstream = normal(0, 2, 4, 6), normal(1, 2, 3, 4, 4)
    (ours(x, x, x, need_weights=True)[1] * upstream).sum().backward()
    (theirs(x, x, x, average_attn_weights=False)[1] * upstream).sum().backward()
    torch.testing.assert_close(ours.project.weight.grad, theirs.in_proj_weight.grad, **CLOSE)


def test_tensors_that_are_equal_but_not_the_same_give_the_same():
    layer, (x, y) = own(6, 2), (normal(seed, 2, 4, 6) for seed in range(2))
    for query, key, value in [(x, x, x), (x, y, y), (x, x, y), (x, y, x)]:
        torch.testing.assert_close(layer(query, key, value), layer(query.clone(), key.clone(), value.clone()), **CLOSE)


def test_one_head_after_another_gives_the_same():
    """Heads are neighboring slices of the width."""
    layer, x = own(6, 3), normal(0, 1, 4, 6)
    query, key, value = layer.project(x)[0].split(6, dim=-1)  # (T, D) each
    found = []
    for first in (0, 2, 4):
        part = slice(first, first + 2)
        weights = torch.softmax(query[:, part] @ key[:, part].T / 2**0.5, dim=-1)
        found.append(weights @ value[:, part])
    torch.testing.assert_close(layer(x, x, x)[0], layer.output(torch.cat(found, dim=-1)), **CLOSE)


# --- two paths


@repeatable
@given(
    n_heads=st.integers(1, 3),
    t=sizes,
    s=sizes,
    share=st.sampled_from([0.0, 0.5, 1.0]),
    causal=st.booleans(),
    dtype=st.sampled_from([torch.float64, torch.float32]),
    seed=seeds,
)
def test_both_paths_give_the_same_values_and_gradients(n_heads, t, s, share, causal, dtype, seed):
    """With rows, and whole sequences, that see nothing."""
    s = t if causal else s
    hidden = torch.rand(3, s, generator=torch.Generator().manual_seed(seed)) < share
    hidden[-1] = True
    results = []
    for need_weights in (False, True):
        layer = own(2 * n_heads, n_heads, seed, dtype)
        query, key = (normal(seed + i, 3, n, 2 * n_heads, dtype=dtype).requires_grad_() for i, n in enumerate((t, s)))
        out = layer(query, key, key, hidden, causal, need_weights)
        out = out[0] if need_weights else out
        out.backward(normal(seed + 2, *out.shape, dtype=dtype))
        results.append([out, query.grad, key.grad, *(parameter.grad for parameter in layer.parameters())])
    assert fused_is_faster("cpu", dtype)
    for fused, plain in zip(*results, strict=True):
        assert fused.isfinite().all()
        torch.testing.assert_close(fused, plain, **NEAR[dtype])


@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", NEAR, ids=str)
@pytest.mark.parametrize("fused", [True, False], ids=["fused", "plain"])
def test_a_place_that_sees_nothing_gets_the_bias_and_no_nan(chosen, fused, dtype, causal):
    ran = chosen(fused)
    layer, x = own(8, 2, dtype=dtype), normal(0, 3, 4, 8, dtype=dtype).requires_grad_()
    hidden = torch.tensor([[False] * 4, [True] * 4, [True, False, False, True]])
    with torch.autograd.detect_anomaly():
        out = layer(x, x, x, hidden, causal)
        out.backward(normal(1, *out.shape, dtype=dtype))
    assert ran == (["_fused"] if fused else ["scaled_dot_product_attention"])
    assert torch.equal(out[1], layer.output.bias.expand(4, 8)) and (out[2, 0] == layer.output.bias).all() == causal
    assert not x.grad[1].any()  # neither as query nor as key nor as value
    assert all(tensor.isfinite().all() for tensor in (out, x.grad, *(p.grad for p in layer.parameters())))
    others = layer(x[:1], x[:1], x[:1], hidden[:1], causal)
    torch.testing.assert_close(out[:1], others, **NEAR[dtype])  # what sees nothing disturbs no other


def test_a_place_that_sees_nothing_has_weights_of_zero():
    hidden = torch.tensor([[True] * 3, [False, True, False]])
    x = normal(0, 2, 3, 4)
    weights = own(4, 2)(x, x, x, hidden, need_weights=True)[1]
    assert not weights[0].any() and not weights[1, :, :, 1].any()
    torch.testing.assert_close(weights[1].sum(dim=-1), torch.ones(2, 3, dtype=torch.float64), **CLOSE)


def test_the_decision_follows_the_measurement():
    assert fused_is_faster("cpu", torch.float32) and fused_is_faster("cpu", torch.float64)
    assert not fused_is_faster("cpu", torch.bfloat16)
    assert fused_is_faster("cuda", torch.bfloat16) and fused_is_faster("cuda", torch.float16)


def test_the_path_that_is_decided_for_runs_and_weights_take_the_plain_one(chosen):
    x = normal(0, 2, 3, 4)
    layer, results = own(4, 2), {}
    for fused, name in ((True, "_fused"), (False, "scaled_dot_product_attention")):
        ran = chosen(fused)
        results[fused] = layer(x, x, x)
        assert ran == [name]
    torch.testing.assert_close(results[True], results[False], **CLOSE)
    ran = chosen(True)
    layer(x, x, x, need_weights=True)
    assert ran == ["scaled_dot_product_attention"]


def test_the_decision_is_asked_about_what_attention_computes_in(monkeypatch):
    asked = []
    monkeypatch.setattr(attention, "fused_is_faster", lambda *question: bool(asked.append(question)))
    layer, x = own(4, 2, dtype=torch.float32), torch.randn(1, 3, 4)
    layer(x, x, x)
    with torch.autocast("cpu", torch.bfloat16):
        layer(x, x, x)
    layer.to("meta")(*[torch.zeros(1, 3, 4, device="meta")] * 3)
    assert asked == [("cpu", torch.float32), ("cpu", torch.bfloat16), ("meta", torch.float32)]


def test_under_autocast_in_bf16_a_cpu_takes_the_plain_path_and_stays_near_fp32(monkeypatch):
    monkeypatch.setattr(attention, "_fused", None)
    layer, x = own(16, 4, dtype=torch.float32), torch.randn(3, 7, 16, generator=torch.Generator().manual_seed(0))
    padding = padding_mask(torch.tensor([7, 3, 0]), 7)
    exact, weights = layer(x, x, x, padding, causal=True, need_weights=True)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = layer(x, x, x, padding, causal=True)
        rounded_weights = layer(x, x, x, padding, causal=True, need_weights=True)[1]
    assert rounded.dtype is torch.bfloat16
    torch.testing.assert_close(rounded.float(), exact, atol=0.03, rtol=0)
    torch.testing.assert_close(rounded_weights.float(), weights, atol=0.02, rtol=0)
    assert not rounded_weights.triu(1).any() and not rounded_weights[2].any()


# --- masks


@pytest.mark.parametrize("need_weights", [False, True], ids=["fused", "plain"])
def test_changing_the_future_moves_nothing_that_came_before(need_weights):
    layer, x = own(6, 2), normal(0, 2, 7, 6)
    changed = x.clone()
    changed[:, 4:] += 1

    def run(x, causal):
        out = layer(x, x, x, causal=causal, need_weights=need_weights)
        return (out[0] if need_weights else out)[:, :4]

    assert torch.equal(run(x, True), run(changed, True))
    assert not torch.equal(run(x, False), run(changed, False))


@pytest.mark.parametrize("need_weights", [False, True], ids=["fused", "plain"])
def test_what_stands_at_padding_does_not_matter(need_weights):
    layer, query, key = own(6, 2), normal(0, 2, 3, 6), normal(1, 2, 5, 6)
    padding = torch.tensor([[False] * 4 + [True], [True, False, False, True, True]])
    changed = key.masked_fill(padding[..., None], 1e3)

    def run(key, padding):
        out = layer(query, key, key, padding, need_weights=need_weights)
        return out[0] if need_weights else out

    torch.testing.assert_close(run(changed, padding), run(key, padding), **CLOSE)
    assert (run(changed, None) - run(key, None)).abs().max() > 1


# --- dropout


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "plain"])
def test_dropout_works_in_training_alone_and_keeps_the_mean(chosen, fused):
    chosen(fused)
    layer, x = own(4, 2, dropout=0.4).eval(), normal(0, 1, 6, 4)
    exact = layer(x, x, x)
    assert torch.equal(layer(x, x, x), exact)
    layer.train()
    torch.manual_seed(0)
    assert not torch.equal(layer(x, x, x), layer(x, x, x))
    many = x.expand(4000, 6, 4)
    runs = layer(many, many, many)  # (4000, T, D)
    error = runs.std(dim=0) / 4000**0.5
    assert error.min() > 0 and ((runs.mean(dim=0) - exact[0]).abs() < 5 * error).all()


def test_both_paths_drop_as_much():
    spreads = {}
    for need_weights in (False, True):
        torch.manual_seed(0)
        layer, x = own(4, 2, dropout=0.4), normal(0, 1, 6, 4).expand(4000, 6, 4)
        out = layer(x, x, x, need_weights=need_weights)
        spreads[need_weights] = (out[0] if need_weights else out).std(dim=0)
    torch.testing.assert_close(spreads[True], spreads[False], rtol=0.1, atol=0)


def test_the_weights_that_are_returned_are_those_before_dropout():
    layer, x = own(4, 2, dropout=0.5), normal(0, 2, 5, 4)
    torch.testing.assert_close(
        layer.train()(x, x, x, need_weights=True)[1], layer.eval()(x, x, x, need_weights=True)[1], **CLOSE
    )


# --- taking over, beginning, other devices


def test_weights_that_were_taken_over_are_a_copy_with_dtype_mode_and_dropout():
    theirs = torchs(4, 2, dtype=torch.bfloat16, dropout=0.3).eval()
    ours = MultiHeadAttention.from_torch(theirs)
    was = theirs.in_proj_weight.tolist()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter += 5
    assert theirs.in_proj_weight.tolist() == was
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.bfloat16}
    assert (ours.n_heads, ours.dropout, ours.training) == (2, 0.3, False)
    assert MultiHeadAttention.from_torch(theirs.train()).training


def test_missing_biases_become_zeros():
    ours = own(4, 2, bias=False)
    assert not ours.project.bias.any() and not ours.output.bias.any()


def test_a_new_layer_begins_like_pytorchs():
    ours, theirs = MultiHeadAttention(256, 4), nn.MultiheadAttention(256, 4, batch_first=True)
    assert not ours.project.bias.any() and not ours.output.bias.any()
    for mine, twin in ((ours.project.weight, theirs.in_proj_weight), (ours.output.weight, theirs.out_proj.weight)):
        assert mine.std().item() == pytest.approx(twin.std().item(), rel=0.02)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("need_weights", [False, True], ids=["fused", "plain"])
def test_masks_are_made_where_the_sequence_is(need_weights):
    """A device without data stands for a GPU."""
    layer, x = MultiHeadAttention(6, 2).to("meta"), torch.zeros(2, 3, 6, device="meta")
    out = layer(x, x, x, torch.zeros(2, 3, dtype=torch.bool, device="meta"), True, need_weights)
    out, weights = out if need_weights else (out, None)
    assert out.is_meta and out.shape == (2, 3, 6)
    assert weights is None or (weights.is_meta and weights.shape == (2, 2, 3, 3))


@pytest.mark.parametrize(("batch", "t", "s"), [(0, 3, 2), (2, 0, 3), (2, 3, 0), (1, 0, 0)])
@pytest.mark.parametrize("need_weights", [False, True], ids=["fused", "plain"])
def test_nothing_to_look_at_gives_the_bias(batch, t, s, need_weights):
    layer = own(6, 2)
    out = layer(normal(0, batch, t, 6), *[normal(1, batch, s, 6)] * 2, need_weights=need_weights)
    out = out[0] if need_weights else out
    assert out.shape == (batch, t, 6) and (s or torch.equal(out, layer.output.bias.expand_as(out)))


# --- refusals


@pytest.mark.parametrize(
    "theirs",
    [
        nn.MultiheadAttention(4, 2),
        nn.MultiheadAttention(4, 2, kdim=3, batch_first=True),
        nn.MultiheadAttention(4, 2, vdim=3, batch_first=True),
        nn.MultiheadAttention(4, 2, add_bias_kv=True, batch_first=True),
        nn.MultiheadAttention(4, 2, add_zero_attn=True, batch_first=True),
    ],
    ids=["sequence first", "kdim", "vdim", "add_bias_kv", "add_zero_attn"],
)
def test_settings_that_do_not_exist_here_are_refused(theirs):
    with pytest.raises(ValueError, match=r"batch_first=True and without kdim, vdim, add_bias_kv and add_zero_attn"):
        MultiHeadAttention.from_torch(theirs)


def test_a_module_that_is_no_attention_is_refused():
    for module in (nn.Linear(4, 4), nn.TransformerEncoderLayer(4, 2, batch_first=True)):
        with pytest.raises(ValueError, match=f"it is a {type(module).__name__}; give an nn.MultiheadAttention"):
            MultiHeadAttention.from_torch(module)


@pytest.mark.parametrize(
    ("shapes", "told"),
    [
        (((2, 3, 5), (2, 3, 4), (2, 3, 4)), r"query has shape \(2, 3, 5\); give \(B, length, D\) with D = 4"),
        (((3, 4), (2, 3, 4), (2, 3, 4)), r"query has shape \(3, 4\)"),
        (((2, 3, 4), (2, 3, 5), (2, 3, 4)), r"key has shape \(2, 3, 5\)"),
        (((2, 3, 4), (2, 3, 4), (2, 1, 3, 4)), r"value has shape \(2, 1, 3, 4\)"),
        (((2, 3, 4), (3, 3, 4), (2, 3, 4)), "B, the batch, is 2 in query, 3 in key and 2 in value"),
        (((2, 3, 4), (2, 3, 4), (1, 3, 4)), "B, the batch, is 2 in query, 2 in key and 1 in value"),
        (((2, 3, 4), (2, 5, 4), (2, 6, 4)), "S, the number of keys, is 5 in key and 6 in value"),
    ],
    ids=["D of query", "dimensions", "D of key", "dimensions of value", "B of key", "B of value", "S"],
)
def test_a_wrong_shape_is_refused_by_the_name_of_the_dimension(shapes, told):
    with pytest.raises(ValueError, match=told):
        MultiHeadAttention(4, 2)(*map(torch.zeros, shapes))


def test_masks_that_do_not_fit_are_refused():
    layer, x, longer = MultiHeadAttention(4, 2), torch.zeros(2, 3, 4), torch.zeros(2, 5, 4)
    with pytest.raises(ValueError, match="T is 3 and S is 5"):
        layer(x, longer, longer, causal=True)
    for bad in (torch.zeros(2, 3), torch.zeros(2, 5, dtype=torch.bool), torch.zeros(3, 2, dtype=torch.bool)):
        with pytest.raises(ValueError, match=r"give \(B, S\) = \(2, 3\) of dtype bool"):
            layer(x, x, x, bad)


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ((6, 4), "d_model=6, n_heads=4; .* d_model divisible by n_heads"),
        ((0, 1), "d_model=0"),
        ((4, 0), "n_heads=0"),
        ((-4, 2), "d_model=-4"),
        ((4, 2, 1.0), "dropout is 1.0"),
        ((4, 2, -0.1), "dropout is -0.1"),
    ],
)
def test_sizes_out_of_range_are_refused(sizes, told):
    with pytest.raises(ValueError, match=told):
        MultiHeadAttention(*sizes)
