"""The truth tables of the logic gates with two inputs. Plain Python, so that the interactive figures can use them."""

# The four inputs in counting order, and each gate's outputs for them.
CORNERS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
GATES = {"and": (0, 0, 0, 1), "or": (0, 1, 1, 1), "nand": (1, 1, 1, 0), "xor": (0, 1, 1, 0)}
