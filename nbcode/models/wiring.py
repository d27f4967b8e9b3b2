"""Three ways to wire a sequence: how far information travels, what has to wait, and what a layer costs.

Each wiring is a graph. A node is a pair (layer, position); layer 0 holds the n input tokens, and every layer above
has n positions too. A step leads along one connection:

- convolution: to the ``kernel`` nearest positions of the layer above, or, dilated, to positions 1, 2, 4, ... apart;
- recurrence, from left to right: to the same position of the layer above, or to the next position of the same layer;
- attention: to every position of the layer above.

In each of them all paths between two nodes have equally many steps. Left out: residual connections, masks, recurrence
in both directions. Plain Python, no torch, since the figures may use it.

Sources: Vaswani et al. (2017), section 4 and table 1; Zhang et al. (2023), section 11.6; for dilations that double,
van den Oord et al. (2016), section 2.1.
"""

from __future__ import annotations

KINDS = ("convolution", "recurrence", "attention")
Node = tuple[int, int]  # layer, position


def path(
    kind: str, source: int, target: int, depth: int, *, kernel: int = 3, dilated: bool = False
) -> list[Node] | None:
    """A shortest path from an input token to a position of the top layer; its steps are one fewer than its nodes.

    Of the paths, which are equally long, this one rises straight first and moves to the side as late as it can.

    Args:
        kind: one of ``KINDS``.
        source: position of the input token, from 0.
        target: position in layer ``depth``, from 0.
        depth: layers, at least 1.
        kernel: width of the convolution, odd. The other wirings have none.
        dilated: whether the dilation of the convolution doubles from layer to layer: 1, 2, 4, ...

    Returns:
        The nodes as (layer, position), from (0, source) to (depth, target); None where no information can flow.

    Raises:
        ValueError: an unknown kind, a position below 0, a depth below 1, or a kernel that is not odd.
    """
    _check(kind, kernel, depth=depth)
    if source < 0 or target < 0:
        raise ValueError(f"source={source}, target={target}; positions are counted from 0")
    straight = [(layer, source) for layer in range(depth)]
    if kind == "attention":
        return [*straight, (depth, target)]
    if kind == "recurrence":
        return [*straight, *((depth, t) for t in range(source, target + 1))] if source <= target else None
    return _through_kernels(source, target, depth, kernel, dilated)


def receptive_field(kind: str, target: int, depth: int, n: int, *, kernel: int = 3, dilated: bool = False) -> range:
    """The input positions from which a path leads to ``target`` in layer ``depth``. They have no gaps.

    Raises:
        ValueError: as :func:`path`, or a target that is not one of the n positions.
    """
    _check(kind, kernel, depth=depth, n=n)
    if not 0 <= target < n:
        raise ValueError(f"target={target}; with n={n} the positions are 0 to {n - 1}")
    if kind == "attention":
        return range(n)
    if kind == "recurrence":
        return range(target + 1)
    reach = sum((kernel // 2) * each for each in _dilations(depth, dilated))
    return range(max(0, target - reach), min(n, target + reach + 1))


def depth_needed(kind: str, n: int, *, kernel: int = 3, dilated: bool = False) -> int:
    """The fewest layers that connect all pairs of n positions which the wiring can connect at all.

    Recurrence never connects a source to a target on its left, and one layer is enough for all others.

    Raises:
        ValueError: an unknown kind, n below 1, or a kernel that is not odd and, for n above 1, at least 3.
    """
    _check(kind, kernel, n=n)
    if kind != "convolution" or n == 1:
        return 1
    if kernel < 3:
        raise ValueError(f"kernel={kernel} never leaves its position; give an odd kernel of at least 3")
    half, distance = kernel // 2, n - 1
    if not dilated:
        return -(-distance // half)  # rounded up
    return (-(-distance // half)).bit_length()  # the least depth with half (2^depth - 1) >= distance


def longest_path(kind: str, n: int, *, kernel: int = 3, dilated: bool = False) -> int:
    """The steps between the two positions that are farthest apart, at the fewest layers that connect them.

    Convolution O(n / k), dilated O(log n); recurrence O(n); attention O(1): the column "maximum path length" of
    Vaswani et al. (2017), table 1, where it stands without the constants.

    Raises:
        ValueError: as :func:`depth_needed`.
    """
    depth = depth_needed(kind, n, kernel=kernel, dilated=dilated)
    return depth + n - 1 if kind == "recurrence" else depth


def sequential_steps(kind: str, n: int, depth: int = 1) -> int:
    """How many operations must wait for one another, however many can run at the same time.

    In one layer of recurrence every position waits for the one before, n in all. Layers overlap: position t of one
    layer and position t + 1 of the layer below can run together, hence n + depth - 1. Source of the values for one
    layer: Vaswani et al. (2017), table 1, "sequential operations".

    Raises:
        ValueError: an unknown kind, or n or depth below 1.
    """
    _check(kind, n=n, depth=depth)
    return n + depth - 1 if kind == "recurrence" else depth


def multiplications(kind: str, n: int, d: int, *, kernel: int = 3) -> int:
    """The multiplications of one layer from n tokens of width d to n tokens of width d, for one example.

    - Convolution: a (d, d) matrix for each of ``kernel`` neighbors, k n d²; zeros beyond the ends count as neighbors.
    - Recurrence: a (d, d) matrix for the token and one for the state before, 2 n d².
    - Attention: four (d, d) projections, for queries, keys, values and output, 4 n d², and what
      :func:`pairwise_multiplications` counts, 2 n² d. The number of heads changes neither.

    Left out are biases, tanh, softmax and its scale: none is a matrix product. Source of the leading terms: Vaswani et
    al. (2017), table 1.

    Raises:
        ValueError: an unknown kind, n or d below 1, or a kernel that is not odd.
    """
    _check(kind, kernel, n=n, d=d)
    if kind == "convolution":
        return kernel * n * d**2
    if kind == "recurrence":
        return 2 * n * d**2
    return 4 * n * d**2 + pairwise_multiplications(n, d)


def pairwise_multiplications(n: int, d: int) -> int:
    """What attention multiplies between tokens: n² scores of d products each, and n² values weighted, 2 n² d.

    This part alone is what table 1 of Vaswani et al. (2017) sets against recurrence: n² d against n d². It costs more
    than a recurrent layer, 2 n d², exactly where n > d. With its projections attention costs more at every n.

    Raises:
        ValueError: n or d below 1.
    """
    _check("attention", n=n, d=d)
    return 2 * n**2 * d


def _through_kernels(source: int, target: int, depth: int, kernel: int, dilated: bool) -> list[Node] | None:
    """From the target down, each layer going back as far as it can: what is left then fits into the layers below."""
    rest, side = abs(target - source), 1 if target >= source else -1
    nodes = [(depth, target)]
    for layer, dilation in reversed(list(enumerate(_dilations(depth, dilated)))):
        taken = min(kernel // 2, rest // dilation) * dilation
        rest -= taken
        nodes.append((layer, nodes[-1][1] - side * taken))
    return nodes[::-1] if rest == 0 else None


def _dilations(depth: int, dilated: bool) -> list[int]:
    """Of each layer, from the lowest on."""
    return [2**layer if dilated else 1 for layer in range(depth)]


def _check(kind: str, kernel: int = 3, **sizes: int) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; choose one of {', '.join(KINDS)}")
    if kernel < 1 or kernel % 2 == 0:
        raise ValueError(f"kernel={kernel}; give an odd width, so that it has a middle")
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name}={size}; give at least 1")
