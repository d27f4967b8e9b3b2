"""How many parameters a transformer has, by formula. What was built is counted by ``Transformer.parameter_count``."""

from __future__ import annotations

from nbcode.models.transformer import TransformerConfig


def parameter_counts(config: TransformerConfig) -> dict[str, int]:
    """The parameters of each part, in all its layers; their sum is the whole network's.

    D is the model's width, F that of the network at each place, V a vocabulary. The number of heads does not matter:
    N heads of width D / N have as many weights as one of width D.
    """
    d, f = config.d_model, config.d_ff
    attention = 4 * d * d + 4 * d  # query, key, value, output; D x D and a bias
    network = 2 * d * f + f + d
    norm = 2 * d  # a scale and a shift
    # Tied, one table serves three times.
    target = 0 if config.tied else config.target_vocabulary * d
    encoder, decoder = config.encoder_layers, config.decoder_layers
    return {
        "embeddings": config.source_vocabulary * d + target,
        "encoder": encoder * (attention + network + 2 * norm),
        "decoder": decoder * (2 * attention + network + 3 * norm),
        "final norms": 2 * norm * config.final_norm,
        "output layer": target,
    }
