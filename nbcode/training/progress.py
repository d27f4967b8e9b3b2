"""Progress bars: for the training loop ``fit(..., on_step=Progress())``, for other work ``bar``."""

from __future__ import annotations

import io
import sys

from tqdm import tqdm

from nbcode.training.history import Record


class _NotebookBar(tqdm):
    """tqdm's text as one display that is replaced, so that a saved notebook keeps its last state only.

    tqdm's own notebook bar is a widget, and a page without a kernel cannot show it.
    """

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        from IPython.display import display

        text = {"text/plain": msg or str(self)}
        if not hasattr(self, "shown"):
            self.shown = display(text, raw=True, display_id=True)
        else:
            self.shown.update(text, raw=True)
        return True


def bar(total: int, unit: str, shown: bool = True) -> tqdm:
    """A bar that is not full yet; ``update(n)`` moves it. In a terminal and in a notebook."""
    kind, file = (_NotebookBar, io.StringIO()) if _in_notebook() else (tqdm, None)
    return kind(total=total, unit=unit, file=file, disable=not shown)


class Progress:
    """Shows steps, time and the latest loss; a new one for each run.

    Hand it to ``fit`` as ``on_step``. Other hooks can be called from the same function.
    """

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def __call__(self, record: Record) -> None:
        if self.bar is None:
            self.bar = bar(record.steps, "step")
        self.bar.set_postfix_str(f"epoch {record.epoch}, loss {record.loss:.4g}", refresh=False)
        self.bar.update()
        if record.step == record.steps:
            self.bar.close()


def _in_notebook() -> bool:
    """Whether a Jupyter front end shows the output. IPython is asked only where it is loaded already."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    # Colab's shell has another name and inherits from this one.
    return any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__)
