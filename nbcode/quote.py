"""Hand a measured number of a lab to its chapter, which quotes it with ``{glue:text}``.

The same record as myst-nb's ``glue`` writes (https://myst-nb.readthedocs.io, "Embed outputs"), so that a lab needs
no myst-nb where it is not being built into the book, as in Colab.
"""

from __future__ import annotations

from IPython.display import display

# Under this prefix a front end finds nothing that it could show: the number appears in the chapter only.
PREFIX = "application/papermill.record/"


def quote(**numbers: float | int | str) -> None:
    """Record values under their names.

    Args:
        numbers: name -> value. Names are unique within a lab.

    Raises:
        ValueError: a value that is neither a number nor a text.
    """
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError(f"{name} is {value!r}; quote a plain number or a text (call .item() on a tensor)")
        record = {"scrapbook": {"name": name, "mime_prefix": PREFIX}}
        display({PREFIX + "text/plain": repr(value)}, raw=True, metadata=record)
