"""A few of the handwritten digits as plain whole numbers from 0 to 16: what a figure slides a window over.

By their labels; each is the first image with its label in scikit-learn's file, and a test compares them. All images,
and their source, are in ``nbcode.data.digits``, which needs torch; the figures must not import it.
"""

from __future__ import annotations

_ROWS = {
    0: (
        " 0  0  5 13  9  1  0  0",
        " 0  0 13 15 10 15  5  0",
        " 0  3 15  2  0 11  8  0",
        " 0  4 12  0  0  8  8  0",
        " 0  5  8  0  0  9  8  0",
        " 0  4 11  0  1 12  7  0",
        " 0  2 14  5 10 12  0  0",
        " 0  0  6 13 10  0  0  0",
    ),
    1: (
        " 0  0  0 12 13  5  0  0",
        " 0  0  0 11 16  9  0  0",
        " 0  0  3 15 16  6  0  0",
        " 0  7 15 16 16  2  0  0",
        " 0  0  1 16 16  3  0  0",
        " 0  0  1 16 16  6  0  0",
        " 0  0  1 16 16  6  0  0",
        " 0  0  0 11 16 10  0  0",
    ),
    3: (
        " 0  0  7 15 13  1  0  0",
        " 0  8 13  6 15  4  0  0",
        " 0  2  1 13 13  0  0  0",
        " 0  0  2 15 11  1  0  0",
        " 0  0  0  1 12 12  1  0",
        " 0  0  0  0  1 10  8  0",
        " 0  0  8  4  5 14  9  0",
        " 0  0  7 13 13  9  0  0",
    ),
    4: (
        " 0  0  0  1 11  0  0  0",
        " 0  0  0  7  8  0  0  0",
        " 0  0  1 13  6  2  2  0",
        " 0  0  7 15  0  9  8  0",
        " 0  5 16 10  0 16  6  0",
        " 0  4 15 16 13 16  1  0",
        " 0  0  0  3 15 10  0  0",
        " 0  0  0  2 16  4  0  0",
    ),
    7: (
        " 0  0  7  8 13 16 15  1",
        " 0  0  7  7  4 11 12  0",
        " 0  0  0  0  8 13  1  0",
        " 0  4  8  8 15 15  6  0",
        " 0  2 11 15 15  4  0  0",
        " 0  0  0 16  5  0  0  0",
        " 0  0  9 15  1  0  0  0",
        " 0  0 13  5  0  0  0  0",
    ),
}

DIGIT_SAMPLES: dict[int, list[list[int]]] = {
    label: [[int(pixel) for pixel in row.split()] for row in rows] for label, rows in _ROWS.items()
}
