"""Parameters by formula against parameters counted, in whole and in parts; the paper's models."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nbcode.models.parameter_count import parameter_counts
from nbcode.models.transformer import PRESETS, Transformer, TransformerConfig

repeatable = settings(derandomize=True, deadline=None, max_examples=60)


def counted(module):
    return sum(parameter.numel() for parameter in module.parameters())


@st.composite
def configs(draw):
    n_heads, tied, source = draw(st.integers(1, 3)), draw(st.booleans()), draw(st.integers(1, 9))
    return TransformerConfig(
        d_model=n_heads * draw(st.integers(1, 4)),
        n_heads=n_heads,
        d_ff=draw(st.integers(1, 9)),
        norm_first=draw(st.booleans()),
        source_vocabulary=source,
        target_vocabulary=source if tied else draw(st.integers(1, 9)),
        encoder_layers=draw(st.integers(0, 3)),
        decoder_layers=draw(st.integers(0, 3)),
        max_length=draw(st.integers(1, 5)),
        tied=tied,
        final_norm=draw(st.booleans()),
    )


@repeatable
@given(config=configs())
def test_the_formula_counts_what_was_built_part_by_part(config):
    model, parts = Transformer(config), parameter_counts(config)
    assert sum(parts.values()) == model.parameter_count() == counted(model)
    assert parts["encoder"] == counted(model.encoder) and parts["decoder"] == counted(model.decoder)
    assert parts["final norms"] == counted(model.encoder_norm) + counted(model.decoder_norm)
    assert parts["output layer"] == (0 if config.tied else counted(model.output))
    tables = counted(model.source_embedding) + (0 if config.tied else counted(model.target_embedding))
    assert parts["embeddings"] == tables


@pytest.mark.parametrize(
    ("name", "expected", "told"), [("base", 63_082_496, 65e6), ("big", 214_245_376, 213e6)], ids=["base", "big"]
)
def test_the_papers_models_have_nearly_as_many_as_it_tells(name, expected, told):
    config = PRESETS[name]
    assert sum(parameter_counts(config).values()) == expected
    assert abs(expected / told - 1) < 0.04
    with torch.device("meta"):  # without data
        assert Transformer(config).parameter_count() == expected
        theirs = nn.Transformer(config.d_model, config.n_heads, dim_feedforward=config.d_ff, batch_first=True)
        norms = counted(theirs.encoder.norm) + counted(theirs.decoder.norm)  # which the paper has not
        assert counted(theirs) - norms + counted(nn.Embedding(37_000, config.d_model)) == expected
