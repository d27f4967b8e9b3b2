"""The Sphinx extension of the book.

``assets``     scripts, styles and MathJax, so that no page asks another host for anything
``figures``    ``{interactive}`` figures; ``{lab-figure}`` and ``{measured}`` show what the executed lab has found
``lab_states`` the state of a lab's interactive figure, for the same figure in a chapter
``sources``    ``{source}``, the package's code in a chapter
``exercises``  ``{exercises}`` from ``nbcode.exercises``, and ``{question}``
``freshness``  what must be executed or read again when something else has changed
"""

from sphinx.application import Sphinx

from nbsite import assets, exercises, figures, freshness, sources


def setup(app: Sphinx) -> dict:
    """Register everything with Sphinx."""
    for part in (assets, figures, sources, exercises, freshness):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
