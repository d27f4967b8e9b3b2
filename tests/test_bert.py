"""Our BERT against Hugging Face's: all layers, attention maps and gradients, on MiniLM and in minirbt's shape."""

import json

import pytest
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoTokenizer, BertModel

from nbcode.checkpoint_files import read_config, read_weights
from nbcode.models.bert import NOT_OURS, OTHERS, SIZES, Bert, BertConfig, own_names
from nbcode.pretrained import located
from nbcode.probes import recording
from twins import normal, randomized

MINIRBT_SHAPE = {
    "hidden_size": 288,
    "num_attention_heads": 8,
    "intermediate_size": 1152,
    "vocab_size": 21128,
    "num_hidden_layers": 6,
}
SMALL_SHAPE = {
    "hidden_size": 8,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "vocab_size": 11,
    "num_hidden_layers": 2,
    "max_position_embeddings": 16,
}
CLOSE = {"fp32": {"atol": 1e-5, "rtol": 0.0}, "float64": {"atol": 1e-10, "rtol": 0.0}}
DTYPES = {"fp32": torch.float32, "float64": torch.float64}
each_precision = pytest.mark.parametrize("precision", DTYPES)
TEXTS = [
    ("Refunds for partial orders should reach the customer within two days.", None),
    ("I have a green apple", "apple"),
    ("Café, naïve, 好; an unbelievably long-winded request! " * 12, "Why?"),
]


def twin_of(folder, precision="float64"):
    """Hugging Face's network; only its plain path gives attention maps."""
    return BertModel.from_pretrained(folder, attn_implementation="eager", dtype=DTYPES[precision]).eval()


def random_twin(shape, seed=0):
    """One with random parameters everywhere: zeros and ones would hide mistakes."""
    config = transformers.BertConfig(**shape, attn_implementation="eager")
    return randomized(BertModel(config), seed, 0.05).eval()


def stored(twin, folder, names=lambda name: name, also=()):
    """The files of a checkpoint as minirbt's is: a pickle of tensors, and no tokenizer but the vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    twin.config.save_pretrained(folder)
    (folder / "vocab.txt").write_text("[PAD]\n", encoding="utf-8")
    weights = {names(name): tensor for name, tensor in twin.state_dict().items()}
    torch.save(weights | dict(also), folder / "pytorch_model.bin")
    return folder


def padded(vocabulary, lengths, types=2, seed=0):
    """Random texts, filled up with zeros, some from the left: nothing here may rely on the place of padding."""
    draw = torch.Generator().manual_seed(seed)
    shape = len(lengths), max(lengths)
    mask = torch.stack([torch.arange(shape[1]) < length for length in lengths]).long()
    mask[1::2] = mask[1::2].flip(1)
    ids = torch.randint(1, vocabulary, shape, generator=draw) * mask
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "token_type_ids": torch.randint(0, types, shape, generator=draw),
    }


def assert_equal_layer_by_layer(ours, theirs, batch, precision):
    """Hidden states behind the embeddings and each layer, and all attention maps, of real texts of any length.

    In float64 at the places of padding too. In fp32 these say nothing: there, MiniLM's layers grow the rounding errors
    of both networks, each as far from float64 as from the other, until they are a hundred times those at the tokens.
    """
    tolerance, mask = CLOSE[precision], batch["attention_mask"].bool()
    at = lambda tensor: tensor if precision == "float64" else tensor[mask]
    rows = lambda maps: [at(weights.transpose(1, 2)) for weights in maps]  # (B, N, T, T) -> (B, T, N, T), or of tokens
    parts = {"embeddings": ours.dropout} | {f"layer {n}": layer for n, layer in enumerate(ours.layers, 1)}
    with torch.no_grad():
        with recording(parts) as signals:
            last = ours(**batch)
        again, maps = ours(**batch, need_weights=True)
        expected = theirs(**batch, output_hidden_states=True, output_attentions=True)
    states = [state for (state,) in signals.outputs.values()]
    torch.testing.assert_close([at(x) for x in states], [at(x) for x in expected.hidden_states], **tolerance)
    torch.testing.assert_close(rows(maps), rows(expected.attentions), **tolerance)
    assert torch.equal(last, states[-1])
    torch.testing.assert_close(at(again), at(expected.last_hidden_state), **tolerance)


@pytest.fixture(scope="module")
def minilm():
    """The real checkpoint, which the Makefile sees to. Where it is missing, the error says what to do."""
    return located("all-MiniLM-L6-v2").path


@pytest.fixture(scope="module")
def minirbt(tmp_path_factory):
    return stored(random_twin(MINIRBT_SHAPE), tmp_path_factory.mktemp("minirbt"))


# --- against Hugging Face


@each_precision
def test_minilm_equals_hugging_faces(minilm, precision):
    ours, theirs = Bert.from_pretrained(minilm).to(DTYPES[precision]), twin_of(minilm, precision)
    tokenizer = AutoTokenizer.from_pretrained(minilm)
    firsts, seconds = zip(*TEXTS, strict=True)
    batch = tokenizer(list(firsts), [second or "" for second in seconds], padding=True, return_tensors="pt")
    assert 0 < (batch["attention_mask"] == 0).float().mean() < 1 and batch["token_type_ids"].any()
    assert_equal_layer_by_layer(ours, theirs, dict(batch), precision)
    one = tokenizer(firsts[0], return_tensors="pt")
    with torch.no_grad():  # with no mask and no types given, none are needed
        torch.testing.assert_close(ours(one["input_ids"]), theirs(**one).last_hidden_state, **CLOSE[precision])


def test_minilm_at_its_greatest_length(minilm):
    ours, theirs = Bert.from_pretrained(minilm).double(), twin_of(minilm)
    assert_equal_layer_by_layer(ours, theirs, padded(30_522, [512, 300]), "float64")


@each_precision
def test_a_checkpoint_of_minirbts_shape_equals_hugging_faces(minirbt, precision):
    ours, theirs = Bert.from_pretrained(minirbt).to(DTYPES[precision]), twin_of(minirbt, precision)
    assert_equal_layer_by_layer(ours, theirs, padded(21_128, [40, 17, 1, 33]), precision)


def test_padding_changes_nothing_at_the_tokens(minilm):
    ours = Bert.from_pretrained(minilm).double()
    batch = padded(30_522, [9, 30])
    alone = {name: tensor[:1, :9] for name, tensor in batch.items()}
    with torch.no_grad():
        torch.testing.assert_close(ours(**batch)[:1, :9], ours(**alone), atol=1e-10, rtol=0.0)


@pytest.mark.parametrize("need_weights", [False, True], ids=["fast path", "with maps"])
def test_gradients_equal_hugging_faces(tmp_path, need_weights):
    theirs = random_twin(SMALL_SHAPE).double()
    ours = Bert.from_pretrained(stored(theirs, tmp_path)).double()
    batch = padded(11, [7, 4, 1])
    upstream = normal(5, 3, 7, 8) * batch["attention_mask"][..., None]
    out = ours(**batch, need_weights=need_weights)
    (out[0] if need_weights else out).backward(upstream)
    theirs(**batch).last_hidden_state.backward(upstream)
    gradients = {name: parameter.grad for name, parameter in theirs.named_parameters() if "pooler" not in name}
    expected = own_names(gradients, 2)
    assert set(expected) == set(dict(ours.named_parameters()))
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], atol=1e-10, rtol=1e-10)
        assert parameter.grad.any(), name


def test_dropout_stands_where_hugging_faces_stands_with_its_shares(tmp_path):
    shares = {"hidden_dropout_prob": 0.3, "attention_probs_dropout_prob": 0.2}
    theirs = random_twin(SMALL_SHAPE | shares)
    ours = Bert.from_pretrained(stored(theirs, tmp_path))
    # Twice a layer on what changes the text, once on the weights, and once behind the embeddings.
    active = [module.p for module in ours.modules() if isinstance(module, torch.nn.Dropout) and module.p]
    drops = {name: module.p for name, module in theirs.named_modules() if isinstance(module, torch.nn.Dropout)}
    assert sorted(active) == sorted(share for name, share in drops.items() if "attention.self" not in name)
    assert {layer.attention.dropout for layer in ours.layers} == {0.2}
    batch = padded(11, [7, 4])
    assert torch.equal(ours(**batch), ours(**batch))
    ours.train()
    assert not torch.equal(ours(**batch), ours(**batch))


# --- checkpoints of all kinds


def tensorflow_names(name):
    """As in checkpoints that came from TensorFlow, with a head for the pre-training."""
    changed = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    return f"bert.{changed}"


def test_names_of_old_checkpoints_and_of_those_with_a_head_are_known(tmp_path):
    theirs = random_twin(SMALL_SHAPE)
    plain = Bert.from_pretrained(stored(theirs, tmp_path / "plain"))
    heads = {
        "cls.predictions.bias": torch.zeros(11),
        "classifier.weight": torch.zeros(3, 8),
        "bert.embeddings.position_ids": torch.arange(16)[None],
    }
    old = Bert.from_pretrained(stored(theirs, tmp_path / "old", tensorflow_names, heads))
    for name, tensor in plain.state_dict().items():
        assert torch.equal(old.state_dict()[name], tensor)
    assert not plain.training and not old.training


def test_safetensors_give_the_same_network_and_half_precision_becomes_single(tmp_path):
    theirs = random_twin(SMALL_SHAPE)
    folder = stored(theirs, tmp_path)
    pickled = Bert.from_pretrained(folder)
    (folder / "pytorch_model.bin").unlink()
    save_file(theirs.state_dict(), folder / "model.safetensors")
    for name, tensor in Bert.from_pretrained(str(folder)).state_dict().items():
        assert torch.equal(pickled.state_dict()[name], tensor)
    save_file({name: tensor.half() for name, tensor in theirs.state_dict().items()}, folder / "model.safetensors")
    half = Bert.from_pretrained(folder)
    assert {parameter.dtype for parameter in half.parameters()} == {torch.float32}
    torch.testing.assert_close(half.tokens.weight, pickled.tokens.weight, atol=1e-3, rtol=1e-3)


def test_every_weight_of_minilm_is_taken_and_counted(minilm):
    weights, ours = read_weights(minilm), Bert.from_pretrained(minilm)
    taken = {name: tensor for name, tensor in weights.items() if not name.startswith(NOT_OURS)}
    assert ours.parameter_count() == sum(tensor.numel() for tensor in taken.values()) == 22_565_376
    assert {name.partition(".")[0] for name in taken} == {"embeddings", "encoder"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda weights: weights.pop("encoder.layer.1.output.dense.bias"), r"lacks \['encoder.layer.1.output.dense.b"),
        (lambda weights: weights.update(strange=torch.zeros(1)), r"lacks nothing, and nobody knows \['strange'\]"),
        (lambda weights: weights.update({"embeddings.word_embeddings.weight": torch.zeros(9, 8)}), "other shapes than"),
    ],
    ids=["missing", "unknown", "another shape"],
)
def test_weights_that_do_not_fit_the_configuration_are_refused(tmp_path, change, told):
    folder = stored(random_twin(SMALL_SHAPE), tmp_path)
    weights = read_weights(folder)
    change(weights)
    torch.save(weights, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=told):
        Bert.from_pretrained(folder)


# --- configurations


def test_what_old_configurations_leave_out_is_as_hugging_face_fills_it_in():
    theirs = transformers.BertConfig().to_dict()
    assert BertConfig.from_hugging_face(theirs) == BertConfig()
    assert BertConfig.from_hugging_face({name: theirs[name] for name in SIZES}) == BertConfig()


def test_all_of_a_configuration_is_taken_over(minilm):
    values = {name: number for number, name in enumerate(OTHERS, 3)}
    values |= {"hidden_dropout_prob": 0.2, "attention_probs_dropout_prob": 0.3, "hidden_act": "relu"}
    config = BertConfig.from_hugging_face(SMALL_SHAPE | values)
    for theirs, ours in (SIZES | OTHERS).items():
        assert getattr(config, ours) == (SMALL_SHAPE | values)[theirs]
    assert BertConfig.from_hugging_face(read_config(minilm)) == BertConfig(384, 12, 1536, layers=6)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model_type": "roberta"}, "model_type is 'roberta'; give the checkpoint of a BERT"),
        ({"position_embedding_type": "relative_key"}, "relative positions or a decoder"),
        ({"is_decoder": True}, "relative positions or a decoder"),
        ({"hidden_act": "gelu_new"}, "activation is 'gelu_new'; choose one of relu, gelu"),
        ({"hidden_size": 9}, "d_model=9, n_heads=2"),
        ({"num_hidden_layers": 0}, "layers is 0; give at least 1"),
        ({"vocab_size": -1}, "vocabulary is -1"),
        ({"attention_probs_dropout_prob": 1.0}, "dropout is 1.0"),
        ({"hidden_size": "8"}, "another kind than BERT's"),
        ({"layer_norm_eps": None}, "another kind than BERT's"),
    ],
    ids=str,
)
def test_a_configuration_that_does_not_exist_here_is_refused(tmp_path, change, told):
    folder = stored(random_twin(SMALL_SHAPE), tmp_path)
    (folder / "config.json").write_text(json.dumps(read_config(folder) | change), encoding="utf-8")
    with pytest.raises(ValueError, match=told):
        Bert.from_pretrained(folder)


@pytest.mark.parametrize("missing", SIZES)
def test_a_configuration_without_a_size_is_refused_by_its_name(missing):
    with pytest.raises(ValueError, match=f"config.json lacks {missing}; is it whole?"):
        BertConfig.from_hugging_face({name: value for name, value in SMALL_SHAPE.items() if name != missing})


def test_bert_normalizes_last():
    with pytest.raises(ValueError, match="norm_first is True; BERT normalizes last"):
        BertConfig(norm_first=True)


# --- input


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return Bert(BertConfig.from_hugging_face(SMALL_SHAPE)).eval()


def test_a_new_network_begins_as_bert_began(small):
    assert small.tokens.weight.std().item() == pytest.approx(0.02, rel=0.3)
    assert all(not parameter.any() for name, parameter in small.named_parameters() if name.endswith("bias"))
    assert (small.norm.weight == 1).all()


def test_a_text_of_padding_alone_makes_no_nan_and_disturbs_no_other(small):
    batch = padded(11, [7, 4])
    expected = small(**batch)
    empty = {name: torch.cat([tensor, torch.zeros_like(tensor[:1])]) for name, tensor in batch.items()}
    for need_weights in (False, True):
        small.zero_grad()
        out = small(**empty, need_weights=need_weights)
        out = out[0] if need_weights else out
        assert out.isfinite().all()
        torch.testing.assert_close(out[:2], expected, atol=1e-6, rtol=0.0)
        out.sum().backward()
        assert all(parameter.grad.isfinite().all() for parameter in small.parameters())


def test_a_mask_of_booleans_is_one_of_numbers(small):
    batch = padded(11, [7, 4])
    booleans = batch | {"attention_mask": batch["attention_mask"].bool()}
    assert torch.equal(small(**batch), small(**booleans))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"input_ids": torch.zeros(7, dtype=torch.long)}, r"input_ids have shape \(7,\) and dtype torch.int64"),
        ({"input_ids": torch.zeros(2, 7)}, "dtype torch.float32; give whole numbers"),
        ({"input_ids": torch.zeros(2, 17, dtype=torch.long)}, "a text has 17 tokens; this model takes up to 16: cut"),
        ({"input_ids": torch.full((2, 7), 11)}, "input_ids go from 11 to 11; this model knows 0 to 10: is the token"),
        ({"input_ids": torch.full((2, 7), -1)}, "input_ids go from -1 to -1"),
        ({"token_type_ids": torch.full((2, 7), 2)}, "token_type_ids go from 2 to 2; this model knows 0 to 1"),
        ({"attention_mask": torch.ones(2, 6)}, r"attention_mask has shape \(2, 6\); give input_ids' \(2, 7\)"),
        ({"token_type_ids": torch.zeros(7)}, r"token_type_ids has shape \(7,\)"),
    ],
    ids=str,
)
def test_input_that_does_not_fit_is_refused(small, change, told):
    with pytest.raises(ValueError, match=told):
        small(**padded(11, [7, 4]) | change)
