"""What the tests of the transformer's parts share: PyTorch's layers beside ours, and random inputs."""

import torch
from torch import nn

# In every way in which one may give them to PyTorch.
WAYS = {
    "relu": ["relu", nn.functional.relu, nn.ReLU()],
    "gelu": ["gelu", nn.functional.gelu, nn.GELU()],
}


def normal(seed, *shape, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def random_padding(seed, batch, length):
    """About half hidden, anywhere; never the first place, since PyTorch's layers know no row without any."""
    mask = torch.rand(batch, length, generator=torch.Generator().manual_seed(seed)) < 0.5
    mask[:, 0] = False
    return mask


def randomized(module, seed, std):
    """The module with random parameters in place of PyTorch's zeros and ones, which would hide mistakes."""
    for number, parameter in enumerate(module.parameters()):
        nn.init.normal_(parameter, std=std, generator=torch.Generator().manual_seed(seed + number))
    return module


def remember(attention, kept):
    """Keep the weights of each head whenever one of PyTorch's attentions runs."""

    def again(module, inputs, named):
        kept.append(module.forward(*inputs, **named | {"need_weights": True, "average_attn_weights": False})[1])

    attention.register_forward_pre_hook(again, with_kwargs=True)


def pairs_of(ours, theirs):
    """All parameters of a ``MultiHeadAttention``, an ``EncoderLayer`` or a ``DecoderLayer``, each beside its twin."""
    if isinstance(theirs, nn.MultiheadAttention):
        yield from ((ours.project.weight, theirs.in_proj_weight), (ours.project.bias, theirs.in_proj_bias))
        yield from pairs_of(ours.output, theirs.out_proj)
    elif isinstance(theirs, (nn.Linear, nn.LayerNorm)):
        yield from ((ours.weight, theirs.weight), (ours.bias, theirs.bias))
    else:
        around = [ours.around_attention, ours.around_feed_forward]
        yield from pairs_of(ours.attention, theirs.self_attn)
        if isinstance(theirs, nn.TransformerDecoderLayer):
            around.insert(1, ours.around_cross)
            yield from pairs_of(ours.cross_attention, theirs.multihead_attn)
        yield from pairs_of(ours.feed_forward.inner, theirs.linear1)
        yield from pairs_of(ours.feed_forward.outer, theirs.linear2)
        for number, part in enumerate(around, 1):
            yield from pairs_of(part.norm, getattr(theirs, f"norm{number}"))


def assert_same_gradients(pairs, ours, theirs, **tolerance):
    """Equal gradients of all pairs, which are all parameters of both sides; where theirs has no bias, ours may."""
    pairs = list(pairs)
    assert {id(mine) for mine, _ in pairs} == {id(parameter) for parameter in ours}
    assert {id(twin) for _, twin in pairs if twin is not None} == {id(parameter) for parameter in theirs}
    for mine, twin in pairs:
        if twin is not None:
            torch.testing.assert_close(mine.grad, twin.grad, **tolerance)
