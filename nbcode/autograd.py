"""Reverse-mode automatic differentiation on single numbers: the idea of ``torch.autograd``, small enough to read.

Each operation remembers its inputs and its slope toward each of them. ``backward`` walks from the result to the
inputs and multiplies along the way. Left out: tensors, and gradients of gradients.

Source of the method: Linnainmaa (1976), "Taylor expansion of the accumulated rounding error".
"""

from __future__ import annotations

import functools
import math
import numbers
import sys
from collections.abc import Callable

LARGEST_EXPONENT = math.log(sys.float_info.max)  # 709.78
LEAK = 0.01  # the slope of leaky ReLU below 0, as in PyTorch


def _is_number(data: object) -> bool:
    return isinstance(data, numbers.Real) and not isinstance(data, bool)


def _binary(operation: Callable[[Value, Value], Value]) -> Callable:
    """The operation with a plain number allowed on the right; anything else gets Python's own ``TypeError``."""

    @functools.wraps(operation)
    def method(self: Value, other: object) -> Value:
        if isinstance(other, Value):
            return operation(self, other)
        if not _is_number(other):
            return NotImplemented
        return _without_number(operation(self, Value(other)), 0, f" {float(other):g}")

    return method


def _reflected(operation: Callable) -> Callable:
    """The operation with the plain number on the left: Python calls it for ``2 - value``."""

    def method(self: Value, other: object) -> Value:
        if not _is_number(other):
            return NotImplemented
        return _without_number(operation(Value(other), self), 1, f"{float(other):g} ")

    return method


def _without_number(result: Value, kept: int, number: str) -> Value:
    """The result with one parent only: a plain number needs no gradient, as in PyTorch. Pictures show it as text."""
    result.parents, result.slopes = (result.parents[kept],), (result.slopes[kept],)
    result.operation = number + result.operation if kept else result.operation + number
    return result


class Value:
    """A number that knows how it was computed.

    Attributes:
        data: the number, a float.
        grad: the derivative of the last result by this number, summed over all calls of ``backward``; 0.0 at first.
        parents: the values that it was computed from; empty for a number that was typed in.
        slopes: the derivative of ``data`` by each parent, as it was when the operation ran.
        operation: what computed it, for pictures; empty for a number that was typed in.
        name: for pictures.

    Raises:
        ValueError: ``data`` is not a real number.
    """

    # NumPy's numbers would otherwise swallow a Value on their right: np.float64(2) * Value(3).
    __array_ufunc__ = None

    def __init__(
        self, data: float, parents: tuple[Value, ...] = (), slopes: tuple[float, ...] = (), operation: str = "",
        name: str = "",
    ) -> None:  # fmt: skip
        if not _is_number(data):
            raise ValueError(f"a Value holds one real number, and {data!r} is none; call .item() on a tensor")
        self.data = float(data)
        self.grad = 0.0
        self.parents, self.slopes = parents, slopes
        self.operation, self.name = operation, name

    def backward(self) -> None:
        """Add to ``grad`` of every value behind this one the derivative of this value by it.

        A second call adds again, as PyTorch's does: set ``grad`` to 0 before a new pass.
        """
        flow = {self: 1.0}  # what arrives in this pass; grad may hold earlier passes
        for value in reversed(ordered(self)):
            value.grad += flow[value]
            for parent, slope in zip(value.parents, value.slopes, strict=True):
                flow[parent] = flow.get(parent, 0.0) + slope * flow[value]

    @_binary
    def __add__(self, other: Value) -> Value:
        return Value(self.data + other.data, (self, other), (1.0, 1.0), "+")

    @_binary
    def __mul__(self, other: Value) -> Value:
        slopes = (other.data, self.data)
        return Value(self.data * other.data, (self, other), slopes, "×")

    @_binary
    def __truediv__(self, other: Value) -> Value:
        if other.data == 0:
            raise ValueError(f"{self.data:g} / 0 has no value; make sure that what stands below is not 0")
        result = self.data / other.data
        return Value(result, (self, other), (1 / other.data, -result / other.data), "/")

    @_binary
    def __pow__(self, other: Value) -> Value:
        base, exponent = self.data, other.data
        if (base == 0 and exponent < 0) or (base < 0 and not exponent.is_integer()):
            raise ValueError(f"{base:g} ** {exponent:g} is no real number; give a positive base")
        result = _power(base, exponent)
        by_base = exponent * _power(base, exponent - 1) if exponent else 0.0
        # A negative base has real powers at whole exponents only, so there is no slope along the exponent.
        by_exponent = result * math.log(base) if base > 0 else 0.0 if base == 0 else math.nan
        return Value(result, (self, other), (by_base, by_exponent), "**")

    def __neg__(self) -> Value:
        return Value(-self.data, (self,), (-1.0,), "neg")

    @_binary
    def __sub__(self, other: Value) -> Value:
        return Value(self.data - other.data, (self, other), (1.0, -1.0), "−")

    __radd__, __rsub__, __rmul__ = _reflected(__add__), _reflected(__sub__), _reflected(__mul__)
    __rtruediv__, __rpow__ = _reflected(__truediv__), _reflected(__pow__)

    def exp(self) -> Value:
        """e to the power of this value; infinity above about 709.78, as in PyTorch."""
        result = math.inf if self.data > LARGEST_EXPONENT else math.exp(self.data)
        return Value(result, (self,), (result,), "exp")

    def log(self) -> Value:
        """The natural logarithm.

        Raises:
            ValueError: the value is not positive.
        """
        if not self.data > 0:
            raise ValueError(f"log needs a positive number and got {self.data:g}")
        return Value(math.log(self.data), (self,), (1 / self.data,), "log")

    def tanh(self) -> Value:
        """The hyperbolic tangent, between -1 and 1."""
        result = math.tanh(self.data)
        return Value(result, (self,), (1 - result**2,), "tanh")

    def sigmoid(self) -> Value:
        """1 / (1 + exp(-x)), between 0 and 1."""
        small = math.exp(-abs(self.data))  # never overflows
        result = 1 / (1 + small) if self.data >= 0 else small / (1 + small)
        return Value(result, (self,), (result * (1 - result),), "sigmoid")

    def relu(self) -> Value:
        """The value where it is positive, else 0. At exactly 0 the slope is 0, as in PyTorch."""
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0),), "relu")

    def leaky_relu(self) -> Value:
        """The value where it is positive, else ``LEAK`` times it."""
        slope = 1.0 if self.data > 0 else LEAK
        return Value(slope * self.data, (self,), (slope,), "leaky relu")

    def elu(self) -> Value:
        """The value where it is positive, else exp(x) - 1."""
        below = min(self.data, 0.0)
        return Value(self.data if self.data > 0 else math.expm1(below), (self,), (math.exp(below),), "elu")

    def gelu(self) -> Value:
        """The value times the share of the standard normal distribution below it."""
        share = math.erfc(-self.data / math.sqrt(2)) / 2
        density = math.exp(-self.data * self.data / 2) / math.sqrt(2 * math.pi)  # data**2 would raise far out
        return Value(self.data * share, (self,), (share + self.data * density,), "gelu")

    def __float__(self) -> float:
        return self.data

    def __repr__(self) -> str:
        return f"Value(data={self.data:g}, grad={self.grad:g})"


def ordered(result: Value) -> list[Value]:
    """All values behind a result, each after its parents; the result comes last.

    Works with a list instead of calls within calls, so that a chain of any length stays within Python's limits.
    """
    order: list[Value] = []
    seen: set[Value] = set()
    waiting = [(result, False)]
    while waiting:
        value, parents_done = waiting.pop()
        if parents_done:
            order.append(value)
        elif value not in seen:
            seen.add(value)
            waiting.append((value, True))
            waiting += [(parent, False) for parent in value.parents]
    return order


def _power(base: float, exponent: float) -> float:
    """base ** exponent, with infinity where Python refuses to go beyond the largest float, or to divide by 0."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 else math.inf
    except ValueError:  # 0 to a negative power: the slope of a root at 0 is vertical
        return math.inf
