"""Attention against PyTorch's in values and gradients; masks that hide everything; the rungs; Bahdanau's scores."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nbcode.models.additive_attention import AdditiveAttention, additive_scores
from nbcode.models.dot_product_attention import attend, scaled_dot_product_attention
from nbcode.models.masks import attention_mask, causal_mask, padding_mask
from nbcode.models.self_attention import SelfAttention
from nbcode.models.soft_lookup import average, by_query, by_scaled_query, by_similarity

repeatable = settings(derandomize=True, deadline=None, max_examples=60)
CLOSE = {"atol": 1e-9, "rtol": 1e-9}
sizes = st.integers(1, 5)
leadings = st.lists(st.integers(1, 3), max_size=2)
seeds = st.integers(0, 2**16)


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def random_mask(seed, *shape):
    """About half hidden; the last key is always seen, since PyTorch's layer knows no row without any."""
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.5
    mask[..., -1] = False
    return mask


def inputs(seed, leading, t, s, k, kv):
    shapes = (*leading, t, k), (*leading, s, k), (*leading, s, kv)
    return [normal(seed + number, *shape).requires_grad_() for number, shape in enumerate(shapes)]


@repeatable
@given(
    leading=leadings,
    t=sizes,
    s=sizes,
    k=sizes,
    kv=sizes,
    masked=st.booleans(),
    scale=st.sampled_from([1, 30]),
    seed=seeds,
)
def test_attention_equals_pytorchs_in_values_and_gradients(leading, t, s, k, kv, masked, scale, seed):
    ours, theirs = (inputs(seed, leading, t, s, k, kv) for _ in range(2))
    mask = random_mask(seed, *leading, t, s) if masked else None
    out, weights = scaled_dot_product_attention(scale * ours[0], *ours[1:], mask)
    allowed = None if mask is None else ~mask
    out_theirs = nn.functional.scaled_dot_product_attention(scale * theirs[0], *theirs[1:], attn_mask=allowed)
    torch.testing.assert_close(out, out_theirs, **CLOSE)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones_like(weights[..., 0]), **CLOSE)
    assert weights.shape == (*leading, t, s) and (mask is None or not weights[mask].any())
    upstream = normal(seed + 9, *out.shape)
    out.backward(upstream)
    out_theirs.backward(upstream)
    for mine, twin in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, twin.grad, **CLOSE)


@repeatable
@given(t=sizes, s=sizes, seed=seeds)
def test_a_query_that_sees_nothing_gets_zeros_and_disturbs_no_other(t, s, seed):
    query, key, value = inputs(seed, [2], t, s, 3, 4)
    mask = random_mask(seed, 2, t, s)
    mask[0, -1] = True
    out, weights = scaled_dot_product_attention(query, key, value, mask)
    assert not out[0, -1].any() and not weights[0, -1].any()
    others = scaled_dot_product_attention(query[:, :-1], key, value, mask[:, :-1])[0]
    torch.testing.assert_close(out[:, :-1], others, **CLOSE)
    out.backward(normal(seed, *out.shape))
    assert not query.grad[0, -1].any()
    assert all(tensor.grad.isfinite().all() for tensor in (query, key, value))


@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")
def test_a_query_that_sees_nothing_makes_no_nan_on_the_way_either():
    query, key, value = inputs(0, [], 2, 3, 4, 4)
    with torch.autograd.detect_anomaly():
        scaled_dot_product_attention(query, key, value, torch.ones(2, 3, dtype=torch.bool))[0].sum().backward()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_masks_work_in_every_precision(dtype):
    x = normal(0, 1, 4, 8).to(dtype)
    out, weights = scaled_dot_product_attention(x, x, x, causal_mask(4))
    assert out.dtype is weights.dtype is dtype
    assert not weights.triu(1).any() and out[0, 0].tolist() == x[0, 0].tolist()
    nothing, _ = scaled_dot_product_attention(x, x, x, torch.ones(4, 4, dtype=torch.bool))
    assert nothing.tolist() == torch.zeros(1, 4, 8).tolist()


def test_huge_scores_do_not_overflow():
    out, weights = attend(torch.tensor([[1e30, -1e30, 1e30]]), torch.tensor([[1.0], [5.0], [3.0]]))
    assert weights.tolist() == [[0.5, 0, 0.5]] and out.tolist() == [[2]]


def test_no_key_and_no_query_give_empty_results():
    none = scaled_dot_product_attention(torch.zeros(2, 3, 4), torch.zeros(2, 0, 4), torch.zeros(2, 0, 5))
    assert none[0].tolist() == torch.zeros(2, 3, 5).tolist() and none[1].shape == (2, 3, 0)
    assert scaled_dot_product_attention(torch.zeros(0, 4), torch.zeros(3, 4), torch.zeros(3, 5))[0].shape == (0, 5)


def test_one_mask_serves_all_heads():
    query, key, value = inputs(0, [2, 3], 4, 5, 2, 2)
    padding = padding_mask(torch.tensor([5, 2]), 5)
    out, weights = scaled_dot_product_attention(query, key, value, padding[:, None, None])
    assert out.shape == (2, 3, 4, 2) and not weights[1, :, :, 2:].any() and weights[0].gt(0).all()


@pytest.mark.parametrize(
    ("shapes", "told"),
    [
        (((3, 4), (5, 3), (5, 2)), "K, the width, is 4 in query and 3 in key"),
        (((3, 4), (5, 4), (6, 2)), "S, the number of keys, is 5 in the scores and 6 in value"),
        (((4,), (5, 4), (5, 2)), r"query has shape \(4,\)"),
        (((3, 4), (5, 4), (5,)), r"value has shape \(5,\)"),
        (((2, 3, 4), (3, 5, 4), (3, 5, 2)), r"leading dimensions of query, key and value are \[\(2,\), \(3,\)"),
        (((3, 0), (5, 0), (5, 2)), "above 0"),
    ],
    ids=["K", "S", "query", "value", "batch", "no width"],
)
def test_a_wrong_shape_is_refused_by_the_name_of_the_dimension(shapes, told):
    with pytest.raises(ValueError, match=told):
        scaled_dot_product_attention(*(torch.zeros(shape) for shape in shapes))


def test_a_mask_of_another_dtype_or_shape_is_refused():
    x = torch.zeros(2, 3, 4)
    with pytest.raises(ValueError, match=r"mask has dtype torch.float32; give booleans, true at hidden keys"):
        scaled_dot_product_attention(x, x, x, torch.zeros(3, 3))
    for shape in [(3, 4), (2, 2), (5, 2, 3, 3)]:
        with pytest.raises(ValueError, match=r"must broadcast to \(..., T, S\) = \(2, 3, 3\)"):
            scaled_dot_product_attention(x, x, x, torch.zeros(shape, dtype=torch.bool))


# --- masks


def test_masks_are_true_at_what_is_hidden():
    assert padding_mask(torch.tensor([2, 0, 3]), 3).tolist() == [[False, False, True], [True] * 3, [False] * 3]
    assert causal_mask(3).tolist() == [[False, True, True], [False, False, True], [False] * 3]
    assert causal_mask(0).shape == (0, 0) and padding_mask(torch.tensor([], dtype=torch.int64), 2).shape == (0, 2)


def test_the_causal_mask_is_that_of_pytorch():
    assert torch.equal(causal_mask(6), torch.isneginf(nn.Transformer.generate_square_subsequent_mask(6)))


def test_both_sources_of_a_mask_are_joined():
    padding = padding_mask(torch.tensor([3, 2]), 3)
    assert attention_mask((2, 3, 3)) is None
    assert torch.equal(attention_mask((2, 3, 3), padding), padding[:, None])
    assert torch.equal(attention_mask((2, 3, 3), causal=True), causal_mask(3)[None])
    both = attention_mask((2, 3, 3), padding, causal=True)
    assert both.shape == (2, 3, 3) and torch.equal(both[0], causal_mask(3))
    assert both[1].tolist() == [[False, True, True], [False, False, True], [False, False, True]]


def test_masks_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="T is 2 and S is 3"):
        attention_mask((1, 2, 3), causal=True)
    for bad in (torch.zeros(2, 3), torch.zeros(3, 2, dtype=torch.bool)):
        with pytest.raises(ValueError, match=r"give \(B, S\) = \(2, 3\) of dtype bool"):
            attention_mask((2, 3, 3), bad)
    for bad in ([4], [-1], [1.0], [[1]], [True], [1j]):
        with pytest.raises(ValueError, match="whole numbers from 0 to 3"):
            padding_mask(torch.tensor(bad), 3)


# --- one head as a layer


@repeatable
@given(
    batch=st.integers(1, 3),
    t=sizes,
    d=sizes,
    padded=st.booleans(),
    causal=st.booleans(),
    bias=st.booleans(),
    seed=seeds,
)
def test_self_attention_equals_pytorchs_with_one_head(batch, t, d, padded, causal, bias, seed):
    torch.manual_seed(seed)
    theirs = nn.MultiheadAttention(d, 1, bias=bias, batch_first=True, dtype=torch.float64)
    if bias:
        nn.init.normal_(theirs.in_proj_bias)
        nn.init.normal_(theirs.out_proj.bias)
    ours = SelfAttention.from_torch(theirs)
    x, x_theirs = (normal(seed, batch, t, d).requires_grad_() for _ in range(2))
    lengths = torch.randint(1, t + 1, (batch,), generator=torch.Generator().manual_seed(seed))
    padding = padding_mask(lengths, t) if padded else None
    out, weights = ours(x, padding, causal)
    out_theirs, weights_theirs = theirs(
        x_theirs, x_theirs, x_theirs, key_padding_mask=padding, attn_mask=causal_mask(t) if causal else None
    )
    torch.testing.assert_close(out, out_theirs, **CLOSE)
    torch.testing.assert_close(weights, weights_theirs, **CLOSE)
    upstream = normal(seed + 1, *out.shape)
    out.backward(upstream)
    out_theirs.backward(upstream)
    torch.testing.assert_close(x.grad, x_theirs.grad, **CLOSE)
    three = [layer.weight.grad for layer in (ours.query, ours.key, ours.value)]
    torch.testing.assert_close(torch.cat(three), theirs.in_proj_weight.grad, **CLOSE)
    torch.testing.assert_close(ours.output.weight.grad, theirs.out_proj.weight.grad, **CLOSE)
    if bias:
        three = [layer.bias.grad for layer in (ours.query, ours.key, ours.value)]
        torch.testing.assert_close(torch.cat(three), theirs.in_proj_bias.grad, **CLOSE)


def test_without_positions_attention_is_blind_to_order():
    torch.manual_seed(0)
    head, x = SelfAttention(6, 4).double(), normal(1, 2, 7, 6)
    order = torch.randperm(7)
    torch.testing.assert_close(head(x[:, order])[0], head(x)[0][:, order], **CLOSE)


def test_changing_the_future_moves_nothing_that_came_before():
    torch.manual_seed(0)
    head, x = SelfAttention(6, 4), torch.randn(2, 7, 6)
    changed = x.clone()
    changed[:, 4:] += 1
    assert torch.equal(head(x, causal=True)[0][:, :4], head(changed, causal=True)[0][:, :4])
    assert not torch.equal(head(x)[0][:, :4], head(changed)[0][:, :4])


def test_a_head_may_be_narrower_than_the_model_and_sees_its_padding_as_nothing():
    head = SelfAttention(6, 2)
    out, weights = head(torch.randn(3, 4, 6), padding_mask(torch.tensor([4, 1, 0]), 4))
    assert out.shape == (3, 4, 6) and weights.shape == (3, 4, 4)
    assert not weights[1, :, 1:].any() and not weights[2].any() and out.isfinite().all()
    torch.testing.assert_close(out[2], head.output.bias.expand(4, 6))


def test_masks_are_made_where_the_sequence_is():
    """A device without data stands for a GPU."""
    head = SelfAttention(6, 4).to("meta")
    x = torch.zeros(2, 3, 6, device="meta")
    assert head(x, causal=True)[0].is_meta
    padding = padding_mask(torch.zeros(0, dtype=torch.int64, device="meta"), 4)
    assert padding.is_meta and causal_mask(3, "meta").is_meta


def test_weights_that_were_taken_over_are_a_copy_with_their_dtype():
    theirs = nn.MultiheadAttention(2, 1, batch_first=True, dtype=torch.bfloat16)
    ours = SelfAttention.from_torch(theirs)
    was = theirs.in_proj_weight.tolist()
    with torch.no_grad():
        ours.query.weight += 5
    assert theirs.in_proj_weight.tolist() == was
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.bfloat16}


def test_other_layers_and_shapes_are_refused():
    for theirs in (
        nn.MultiheadAttention(2, 2, batch_first=True),
        nn.MultiheadAttention(2, 1),
        nn.MultiheadAttention(2, 1, kdim=3, batch_first=True),
        nn.MultiheadAttention(2, 1, add_bias_kv=True, batch_first=True),
        nn.MultiheadAttention(2, 1, add_zero_attn=True, batch_first=True),
        nn.MultiheadAttention(2, 1, dropout=0.1, batch_first=True),
    ):
        with pytest.raises(ValueError, match=r"give an nn.MultiheadAttention with one head"):
            SelfAttention.from_torch(theirs)
    for shape in [(2, 3, 5), (3, 6), (6,)]:
        with pytest.raises(ValueError, match=r"give \(B, T, D\) = \(B, T, 6\)"):
            SelfAttention(6, 2)(torch.zeros(shape))
    with pytest.raises(ValueError, match="d_model=6, d_head=0"):
        SelfAttention(6, 0)
    with pytest.raises(ValueError, match="key_padding_mask has shape"):
        SelfAttention(6, 2)(torch.zeros(1, 3, 6), torch.zeros(1, 2, dtype=torch.bool))


# --- the rungs


def test_the_first_rung_is_the_mean_and_the_second_prefers_what_is_alike():
    x = normal(0, 2, 4, 3)
    out, weights = average(x)
    torch.testing.assert_close(out, x.mean(dim=1, keepdim=True).expand_as(x), **CLOSE)
    assert (weights == 0.25).all() and average(torch.zeros(2, 0, 3))[0].shape == (2, 0, 3)
    with pytest.raises(ValueError, match=r"dtype torch.int64; give floating-point numbers"):
        average(torch.tensor([[1, 2], [3, 4]]))
    alike = torch.tensor([[2.0, 0.0], [2.0, 0.1], [-2.0, 0.0]])
    weights = by_similarity(alike)[1]
    assert weights[0, 1] > 100 * weights[0, 2]
    torch.testing.assert_close(by_similarity(x)[0], by_query(x, x, x)[0], **CLOSE)


@repeatable
@given(t=sizes, s=sizes, k=sizes, kv=sizes, seed=seeds)
def test_the_third_rung_equals_a_loop_and_the_fourth_is_attention(t, s, k, kv, seed):
    query, key, value = inputs(seed, [], t, s, k, kv)
    out, weights = by_query(query, key, value)
    for row in range(t):
        powers = [math.exp(math.fsum((query[row] * key[column]).tolist())) for column in range(s)]
        expected = sum(power / sum(powers) * value[column] for column, power in enumerate(powers))
        torch.testing.assert_close(out[row], expected, **CLOSE)
    assert weights.shape == (t, s)
    attended = scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(by_scaled_query(query, key, value), attended, **CLOSE)


@pytest.mark.parametrize("k", [4, 64, 1024])
def test_the_scale_keeps_the_spread_of_scores_at_one(k):
    query, key = normal(0, 400, k), normal(1, 400, k)
    scores = query @ key.T
    assert (scores / math.sqrt(k)).std().item() == pytest.approx(1, abs=0.05)


# --- Bahdanau


@repeatable
@given(batch=st.integers(1, 3), t=sizes, s=sizes, f=sizes, seed=seeds)
def test_additive_scores_equal_a_loop(batch, t, s, f, seed):
    query, key, v = normal(seed, batch, t, f), normal(seed + 1, batch, s, f), normal(seed + 2, f)
    scores = additive_scores(query, key, v)
    assert scores.shape == (batch, t, s)
    for b in range(batch):
        for i in range(t):
            for j in range(s):
                hidden = [math.tanh(x + y) for x, y in zip(query[b, i].tolist(), key[b, j].tolist(), strict=True)]
                expected = math.fsum(x * y for x, y in zip(v.tolist(), hidden, strict=True))
                assert scores[b, i, j].item() == pytest.approx(expected, abs=1e-12)


def test_additive_attention_is_scores_softmax_mean():
    torch.manual_seed(0)
    layer = AdditiveAttention(3, 4, 5).double()
    query, key = normal(0, 2, 3, 3), normal(1, 2, 6, 4)
    padding = padding_mask(torch.tensor([6, 2]), 6)
    out, weights = layer(query, key, key, padding)
    assert out.shape == (2, 3, 4) and weights.shape == (2, 3, 6) and not weights[1, :, 2:].any()
    hidden = torch.tanh(layer.query(query[1, 2]) + layer.key(key[1, :2]))  # (2, 5)
    expected = torch.softmax(hidden @ layer.v, dim=0) @ key[1, :2]
    torch.testing.assert_close(out[1, 2], expected, **CLOSE)
    out.sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def test_additive_attention_has_the_parameters_of_the_paper_and_starts_small():
    layer = AdditiveAttention(3, 4, 400)
    assert {name: tuple(p.shape) for name, p in layer.named_parameters()} == {
        "v": (400,),
        "query.weight": (400, 3),
        "key.weight": (400, 4),
    }
    assert 0.9 / 20 < layer.v.abs().max() <= 1 / 20


def test_additive_attention_over_padding_alone_gives_zeros():
    layer = AdditiveAttention(3, 4, 5)
    out, weights = layer(torch.randn(1, 2, 3), torch.randn(1, 3, 4), torch.randn(1, 3, 4), torch.ones(1, 3).bool())
    assert not out.any() and not weights.any()


def test_additive_attention_refuses_shapes_that_do_not_fit():
    layer, key = AdditiveAttention(3, 4, 5), torch.zeros(2, 6, 4)
    with pytest.raises(ValueError, match=r"query has shape \(2, 1, 4\); give \(B, length, 3\)"):
        layer(torch.zeros(2, 1, 4), key, key)
    with pytest.raises(ValueError, match=r"key has shape \(6, 4\)"):
        layer(torch.zeros(2, 1, 3), key[0], key)
    for query, value in ((torch.zeros(1, 1, 3), key), (torch.zeros(2, 1, 3), key[..., 0])):
        with pytest.raises(ValueError, match="give three dimensions each, with the same batch B"):
            layer(query, key, value)
    with pytest.raises(ValueError, match="S, the number of keys, is 6 in the scores and 5 in value"):
        layer(torch.zeros(2, 1, 3), key, key[:, :5])
    with pytest.raises(ValueError, match="with the same F"):
        additive_scores(torch.zeros(2, 3), torch.zeros(4, 3), torch.zeros(2))
    with pytest.raises(ValueError, match="d_hidden=0"):
        AdditiveAttention(3, 4, 0)
