"""The transformer against PyTorch's, in values and gradients; causality, padding, tied tables, and what it refuses."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nbcode.models.masks import causal_mask
from nbcode.models.positions import positions
from nbcode.models.transformer import PRESETS, Transformer, TransformerConfig
from twins import WAYS, assert_same_gradients, normal, pairs_of, random_padding, randomized, remember

# PyTorch says so of an nn.Transformer that is pre-norm or has an odd number of heads.
pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
repeatable = settings(derandomize=True, deadline=None, max_examples=60)
CLOSE = {"atol": 1e-9, "rtol": 1e-9}
SMALL = TransformerConfig(
    d_model=8,
    n_heads=2,
    d_ff=12,
    dropout=0.0,
    norm_first=True,
    source_vocabulary=11,
    target_vocabulary=7,
    encoder_layers=2,
    decoder_layers=2,
    max_length=16,
    tied=False,
    final_norm=True,
)
BOTH_ORDERS = {"pre-norm": SMALL, "post-norm": dataclasses.replace(SMALL, norm_first=False, final_norm=False)}
each_order = pytest.mark.parametrize("config", BOTH_ORDERS.values(), ids=BOTH_ORDERS)
INNER = ("encoder", "decoder", "encoder_norm", "decoder_norm")
sizes = st.integers(1, 5)


def tokens(seed, vocabulary, batch, length):
    """Random tokens without padding."""
    return torch.randint(1, vocabulary, (batch, length), generator=torch.Generator().manual_seed(seed))


def built(seed=0, **changes):
    """A small transformer in float64 and evaluation mode."""
    torch.manual_seed(seed)
    return Transformer(dataclasses.replace(SMALL, **changes)).double().eval()


def torchs(d_model=8, n_heads=2, final_norm=True, seed=0, **options):
    options = {"dim_feedforward": 12, "num_encoder_layers": 2, "num_decoder_layers": 1} | options
    module = nn.Transformer(d_model, n_heads, batch_first=True, dtype=torch.float64, **options)
    if not final_norm:
        module.encoder.norm = module.decoder.norm = None
    return randomized(module, seed, 0.5).eval()


def pairs(ours, theirs):
    """All parameters between embeddings and output layer, each beside its twin."""
    for stack, twin, norm in (
        (ours.encoder, theirs.encoder, ours.encoder_norm),
        (ours.decoder, theirs.decoder, ours.decoder_norm),
    ):
        for mine, layer in zip(stack, twin.layers, strict=True):
            yield from pairs_of(mine, layer)
        if twin.norm is not None:
            yield from pairs_of(norm, twin.norm)


# --- against PyTorch


@repeatable
@given(
    batch=st.integers(1, 3),
    s=sizes,
    t=sizes,
    n_heads=st.integers(1, 3),
    encoder_layers=st.integers(1, 2),
    decoder_layers=st.integers(1, 2),
    norm_first=st.booleans(),
    final_norm=st.booleans(),
    activation=st.sampled_from([*WAYS["relu"], *WAYS["gelu"]]),
    bias=st.booleans(),
    padded=st.booleans(),
    target_padded=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_encoder_and_decoder_equal_pytorchs_in_values_and_gradients(
    batch, s, t, n_heads, encoder_layers, decoder_layers, norm_first, final_norm, activation, bias, padded,
    target_padded, seed,
):  # fmt: skip
    theirs = torchs(
        2 * n_heads, n_heads, final_norm, seed, num_encoder_layers=encoder_layers, num_decoder_layers=decoder_layers,
        norm_first=norm_first, activation=activation, bias=bias, layer_norm_eps=0.01, dropout=0.2,
    )  # fmt: skip
    ours = Transformer.from_torch(theirs, 5, 5)
    xs, ys = (
        [normal(seed + length, batch, length, 2 * n_heads).requires_grad_() for _ in range(2)] for length in (s, t)
    )
    padding = random_padding(seed, batch, s) if padded else None
    target_padding = random_padding(seed + 1, batch, t) if target_padded else None
    out = ours.transform(xs[0], ys[0], padding, target_padding)
    expected = theirs(
        xs[1], ys[1], tgt_mask=causal_mask(t), src_key_padding_mask=padding, memory_key_padding_mask=padding,
        tgt_key_padding_mask=target_padding,
    )  # fmt: skip
    torch.testing.assert_close(out, expected, **CLOSE)
    upstream = normal(seed + 2, *out.shape)
    out.backward(upstream)
    expected.backward(upstream)
    for mine, twin in (xs, ys):
        torch.testing.assert_close(mine.grad, twin.grad, **CLOSE)
    inner = [parameter for part in INNER for parameter in getattr(ours, part).parameters()]
    assert_same_gradients(pairs(ours, theirs), inner, theirs.parameters(), **CLOSE)


@pytest.mark.parametrize("norm_first", [False, True], ids=["post-norm", "pre-norm"])
def test_from_tokens_to_logits_and_maps_it_is_pytorchs_between_the_papers_embeddings(norm_first):
    theirs = torchs(norm_first=norm_first, num_encoder_layers=2, num_decoder_layers=2)
    ours = Transformer.from_torch(theirs, 11, 7)
    source, target = tokens(0, 11, 3, 6), tokens(1, 7, 3, 5)
    source[0, 4:] = source[2, 1:] = 0
    kept = {"encoder": [], "decoder": [], "cross": []}
    for layer in theirs.encoder.layers:
        remember(layer.self_attn, kept["encoder"])
    for layer in theirs.decoder.layers:
        remember(layer.self_attn, kept["decoder"])
        remember(layer.multihead_attn, kept["cross"])
    x = ours.source_embedding(source) * math.sqrt(8) + positions(6, 8)
    y = ours.target_embedding(target) * math.sqrt(8) + positions(5, 8)
    masks = dict.fromkeys(["src_key_padding_mask", "memory_key_padding_mask"], source == 0)
    expected = theirs(x, y, tgt_mask=causal_mask(5), **masks) @ ours.output.weight.T
    logits, maps = ours(source, target, need_weights=True)
    torch.testing.assert_close(logits, expected, **CLOSE)
    torch.testing.assert_close(ours(source, target), expected, **CLOSE)
    torch.testing.assert_close(maps, kept, **CLOSE)
    assert [weights.shape for weights in maps["cross"]] == [(3, 2, 5, 6)] * 2


@pytest.mark.parametrize("training", [True, False])
def test_what_was_taken_over_is_a_copy_with_sizes_dtype_and_mode(training):
    theirs = torchs(num_encoder_layers=1, num_decoder_layers=2, dropout=0.3, layer_norm_eps=0.1).train(training)
    ours = Transformer.from_torch(theirs, 5, 9)
    expected = {"d_model": 8, "n_heads": 2, "d_ff": 12, "dropout": 0.3, "norm_first": False, "eps": 0.1}
    expected |= {"encoder_layers": 1, "decoder_layers": 2, "final_norm": True, "tied": False}
    assert {name: getattr(ours.config, name) for name in expected} == expected
    assert ours.encoder_norm.eps == 0.1 and ours.output.weight.shape == (9, 8)
    assert {module.training for module in ours.modules()} == {training}
    before = {name: tensor.clone() for name, tensor in theirs.state_dict().items()}
    with torch.no_grad():
        for parameter in ours.parameters():
            assert parameter.dtype is torch.float64
            parameter += 5
    assert all(torch.equal(tensor, before[name]) for name, tensor in theirs.state_dict().items())


def test_settings_that_do_not_exist_here_are_refused():
    with pytest.raises(ValueError, match=r"batch_first=False"):
        Transformer.from_torch(nn.Transformer(8, 2, 1, 1, 12))
    with pytest.raises(ValueError, match=r"activation is GELU\(approximate='tanh'\)"):
        Transformer.from_torch(torchs(activation=nn.GELU("tanh")))
    one = torchs()
    one.decoder.norm = None
    with pytest.raises(ValueError, match=r"the last normalizations are LayerNorm.* and None; give two .* or none"):
        Transformer.from_torch(one)
    one.decoder.norm = nn.LayerNorm(8, eps=0.1)
    with pytest.raises(ValueError, match=r"give two nn.LayerNorm with eps=1e-05, or none"):
        Transformer.from_torch(one)
    one.encoder.layers = one.decoder.layers = nn.ModuleList()
    with pytest.raises(ValueError, match="has no layer"):
        Transformer.from_torch(one)


def test_modules_that_are_no_transformer_are_refused():
    for module in (nn.Linear(4, 4), torchs().encoder):
        with pytest.raises(ValueError, match=f"it is a {type(module).__name__}; give an nn.Transformer"):
            Transformer.from_torch(module)
    for name, kind in (("encoder", "TransformerEncoder"), ("decoder", "TransformerDecoder")):
        theirs = torchs()
        setattr(theirs, name, nn.Identity())
        with pytest.raises(ValueError, match=f"it is a Identity; give an nn.{kind}"):
            Transformer.from_torch(theirs)


@pytest.mark.parametrize("norm", [nn.RMSNorm(8, eps=1e-5), nn.LayerNorm(8, elementwise_affine=False)], ids=str)
@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_last_normalizations_that_do_not_exist_here_are_refused(side, norm):
    theirs = torchs()
    getattr(theirs, side).norm = norm
    with pytest.raises(ValueError, match="the last normalizations are"):
        Transformer.from_torch(theirs)


# --- what it must not see


@each_order
def test_changing_the_future_moves_no_logit_of_the_past(config):
    model = built(**vars(config))
    source, target = tokens(0, 11, 3, 6), tokens(1, 7, 3, 8)
    changed = target.clone()
    changed[:, 5:] = (target[:, 5:] + 1) % 7
    before, after = model(source, target), model(source, changed)
    assert torch.equal(before[:, :5], after[:, :5])
    assert not torch.isclose(before[:, 5:], after[:, 5:]).all(dim=-1).any()
    cut = model(source, target[:, :5])  # nor does a future that is not there yet, as in decoding
    torch.testing.assert_close(cut, before[:, :5], **CLOSE)


@each_order
def test_every_token_of_the_source_is_seen_and_its_place_matters(config):
    model = built(**vars(config))
    source, target = torch.tensor([[1, 2, 3, 4, 5]]), tokens(1, 7, 1, 3)
    before = model(source, target)
    for place in range(5):
        other = source.clone()
        other[0, place] = 9
        assert not torch.isclose(model(other, target), before, atol=1e-4).all(dim=-1).any()
    assert not torch.isclose(model(source.flip(1), target), before, atol=1e-4).all(dim=-1).any()


@each_order
@settings(repeatable, max_examples=20)
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4), more=st.integers(0, 3), seed=st.integers(0, 2**16))
def test_a_row_gets_the_same_logits_alone_and_in_a_longer_padded_batch(config, lengths, more, seed):
    model = built(**vars(config))
    longest = max(lengths) + more
    source, target = tokens(seed, 11, len(lengths), longest), tokens(seed + 1, 7, len(lengths), longest)
    for row, length in enumerate(lengths):
        source[row, length:] = target[row, length:] = 0
    logits, maps = model(source, target, need_weights=True)
    torch.testing.assert_close(model(source, target), logits, **CLOSE)
    for row, length in enumerate(lengths):
        alone = model(source[row : row + 1, :length], target[row : row + 1, :length])
        torch.testing.assert_close(logits[row, :length], alone[0], **CLOSE)
        for name in ("encoder", "cross"):
            assert all(not weights[row, ..., length:].any() for weights in maps[name])
    assert all(not weights.triu(1).any() for weights in maps["decoder"])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_a_source_of_padding_alone_makes_no_nan(dtype):
    model = built().to(dtype)
    source, target = torch.tensor([[0, 0, 0], [3, 4, 0]]), tokens(0, 7, 2, 4)
    for need_weights in (False, True):
        logits = model(source, target, need_weights)
        logits = logits[0] if need_weights else logits
        logits.sum().backward()
        assert logits.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


# --- its parts


def test_tied_embeddings_are_one_tensor_that_counts_once():
    tied = built(tied=True, target_vocabulary=11)
    assert tied.source_embedding.weight is tied.target_embedding.weight is tied.output.weight
    free = built(target_vocabulary=11)
    assert free.parameter_count() - tied.parameter_count() == 2 * 11 * 8
    assert len({id(free.source_embedding.weight), id(free.target_embedding.weight), id(free.output.weight)}) == 3
    source, target = tokens(0, 11, 2, 4), tokens(1, 11, 2, 4)
    tied(source, target).square().sum().backward()
    assert tied.output.weight.grad.any(dim=1).all()  # as output layer, every row learns
    again = built(1, tied=True, target_vocabulary=11)
    again.load_state_dict(tied.state_dict())
    assert torch.equal(again(source, target), tied(source, target))


def test_positions_are_computed_and_neither_learned_nor_stored():
    model = built()
    assert "positions" not in model.state_dict() and model.positions.shape == (16, 8)
    assert not model.positions.requires_grad


def test_an_encoder_alone_and_a_decoder_alone():
    encoder = built(decoder_layers=0)
    memory, maps = encoder.encode(tokens(0, 11, 2, 4)), {"encoder": []}
    torch.testing.assert_close(encoder.encode(tokens(0, 11, 2, 4), maps), memory, **CLOSE)
    assert memory.shape == (2, 4, 8) and len(maps["encoder"]) == 2 and len(encoder.decoder) == 0
    torch.testing.assert_close(memory.mean(dim=-1), torch.zeros(2, 4).double(), **CLOSE)  # the last norm ran
    decoder = built(encoder_layers=0)
    logits, maps = decoder(tokens(0, 11, 2, 4), tokens(1, 7, 2, 3), need_weights=True)
    assert logits.shape == (2, 3, 7) and maps["encoder"] == [] and len(maps["decoder"]) == len(maps["cross"]) == 2


def test_dropout_works_in_training_alone():
    model = built(dropout=0.3)
    source, target = tokens(0, 11, 2, 4), tokens(1, 7, 2, 4)
    assert torch.equal(model(source, target), model(source, target))
    model.train()
    assert not torch.equal(model(source, target), model(source, target))
    bare = built(dropout=0.3, encoder_layers=0, final_norm=False).train()
    assert (bare.encode(source) == 0).any()  # embeddings with positions are dropped too (section 5.4)


def test_the_presets_are_the_papers_and_the_courses():
    base, big, date = PRESETS["base"], PRESETS["big"], PRESETS["date"]
    for config, expected in ((base, (512, 8, 2048, 0.1)), (big, (1024, 16, 4096, 0.3)), (date, (64, 4, 256, 0.0))):
        assert (config.d_model, config.n_heads, config.d_ff, config.dropout) == expected
    for config in (base, big):
        assert (config.encoder_layers, config.decoder_layers) == (6, 6)
        assert (config.norm_first, config.final_norm, config.activation, config.tied) == (False, False, "relu", True)
        assert config.source_vocabulary == config.target_vocabulary == 37_000
    assert date.norm_first and date.final_norm and not date.tied
    small = dataclasses.replace(date, source_vocabulary=55, target_vocabulary=25)
    assert Transformer(small)(tokens(0, 55, 2, 30), tokens(1, 25, 2, 14)).shape == (2, 14, 25)


@pytest.mark.parametrize("vocabulary", [25, 400])
@pytest.mark.parametrize("changes", [{}, {"tied": True, "norm_first": False, "final_norm": False}], ids=str)
def test_a_new_model_guesses_almost_at_random(vocabulary, changes):
    """Its loss is near log V: a little above, since its guesses are not all equal."""
    for seed in range(3):
        torch.manual_seed(seed)
        sizes = {"source_vocabulary": vocabulary, "target_vocabulary": vocabulary}
        model = Transformer(dataclasses.replace(PRESETS["date"], **sizes | changes))
        source, target = tokens(seed, vocabulary, 32, 12), tokens(seed + 1, vocabulary, 32, 13)
        logits = model(source, target[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten()).item()
        assert -0.1 < loss - math.log(vocabulary) < 1


def test_it_learns_a_handful_of_examples_by_heart():
    torch.manual_seed(0)
    model = Transformer(SMALL)
    source, target = tokens(0, 11, 6, 5), tokens(1, 7, 6, 6)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(80):
        logits = model(source, target[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (logits.argmax(dim=-1) == target[:, 1:]).all() and loss.item() < 0.2


def test_under_autocast_in_bf16_it_stays_near_fp32():
    model = built().float()
    source, target = tokens(0, 11, 4, 9), tokens(1, 7, 4, 8)
    source[1, 5:] = 0
    with torch.autocast("cpu", torch.bfloat16):
        rounded = model(source, target)
    torch.testing.assert_close(rounded.float(), model(source, target), atol=0.1, rtol=0)


def test_it_runs_wherever_its_weights_are():
    """A device without data stands for a GPU."""
    model = built().to("meta")
    ids = torch.zeros(2, 3, dtype=torch.int64, device="meta")
    logits, maps = model(ids, ids, need_weights=True)
    assert logits.is_meta and logits.shape == (2, 3, 7) and maps["cross"][1].shape == (2, 2, 3, 3)


# --- what it takes and what it refuses


def test_tokens_may_be_of_32_bits_and_batches_empty():
    model, source, target = built(), tokens(0, 11, 2, 4), tokens(1, 7, 2, 3)
    assert torch.equal(model(source.int(), target.int()), model(source, target))
    assert model(source[:0], target[:0]).shape == (0, 3, 7)
    assert model(source[:, :0], target).shape == (2, 3, 7) and model(source[:, :0], target).isfinite().all()
    assert model(source, target[:, :0]).shape == (2, 0, 7)


def test_the_longest_source_is_read_and_a_longer_one_refused():
    model, longest, short = built(), tokens(0, 7, 1, 16), tokens(1, 7, 1, 2)
    assert model(longest, longest).shape == (1, 16, 7)
    longer = tokens(0, 7, 1, 17)
    with pytest.raises(ValueError, match="the source has 17 tokens; this model takes up to max_length=16"):
        model(longer, short)
    with pytest.raises(ValueError, match="the target has 17 tokens"):
        model(short, longer)


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ([[1, 11]], [[1]], r"source_ids go from 1 to 11; this vocabulary has the tokens 0 to 10"),
        ([[1, 10]], [[7]], r"target_ids go from 7 to 7; this vocabulary has the tokens 0 to 6"),
        ([[-1, 3]], [[1]], r"source_ids go from -1 to 3"),
        ([1, 3], [[1]], r"source_ids have shape \(2,\) and dtype torch.int64; give whole numbers \(B, T\)"),
        ([[1, 3]], [[[1]]], r"target_ids have shape \(1, 1, 1\)"),
        ([[1.0, 3.0]], [[1]], r"source_ids have shape \(1, 2\) and dtype torch.float32"),
        ([[1, 3]], [[True]], r"target_ids have .* dtype torch.bool"),
        ([[1, 3], [1, 3]], [[1]], "B, the batch, is 1 in query, 2 in key"),
    ],
    ids=["unknown", "unknown in the target", "negative", "one row", "three dimensions", "floats", "booleans", "batch"],
)
def test_other_tokens_are_refused(source, target, told):
    with pytest.raises(ValueError, match=told):
        built()(torch.tensor(source), torch.tensor(target))


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"source_vocabulary": 0}, "source_vocabulary is 0; give at least 1"),
        ({"target_vocabulary": -1}, "target_vocabulary is -1"),
        ({"max_length": 0}, "max_length is 0"),
        ({"encoder_layers": -1}, "-1 and 6 layers; give 0 or more of each"),
        ({"decoder_layers": -2}, "6 and -2 layers"),
        ({"source_vocabulary": 5, "target_vocabulary": 6}, "5 and 6 tokens; tied=True needs one vocabulary for both"),
        ({"padding": -1}, "padding is -1; give a token from 0 to 36999"),
        ({"padding": 37_000}, "padding is 37000"),
        ({"d_model": 10, "n_heads": 4}, "d_model=10, n_heads=4"),
        ({"dropout": 1.5}, "dropout is 1.5"),
    ],
    ids=str,
)
def test_a_configuration_out_of_range_is_refused(setting, told):
    with pytest.raises(ValueError, match=told):
        TransformerConfig(**setting)


@pytest.mark.parametrize("change", [{"dim_feedforward": 8}, {"norm_first": True}, {"layer_norm_eps": 0.1}])
def test_layers_that_differ_are_refused(change):
    theirs = torchs(4, 2, True, 0, num_encoder_layers=1, num_decoder_layers=1)
    sizes = {"d_model": 4, "nhead": 2, "dim_feedforward": theirs.encoder.layers[0].linear1.out_features}
    theirs.encoder.layers.append(nn.TransformerEncoderLayer(**{**sizes, **change}, batch_first=True))
    with pytest.raises(ValueError, match=r"the layers of this nn\.Transformer differ"):
        Transformer.from_torch(theirs, 5, 5)


def test_attention_that_drops_another_share_is_refused():
    theirs = torchs(4, 2, True, 0, num_encoder_layers=1, num_decoder_layers=1, dropout=0.1)
    theirs.encoder.layers[0].self_attn.dropout = 0.5
    with pytest.raises(ValueError, match=r"drops \[0.1, 0.5\] at different places"):
        Transformer.from_torch(theirs, 5, 5)
