"""What the tests of the interactive figures share: where each figure stands, and how to set and read it."""

import re

# tag -> the chapter in whose page the figure is tested
CHAPTERS = {
    "nb-matrix-product": "00_before",
    "nb-neuron": "01_neuron",
    "nb-hidden": "01_neuron",
    "nb-line-fit": "02_training",
    "nb-descent": "03_gradients",
    "nb-backward": "03_gradients",
}


def show(figure, **state) -> None:
    """Put a figure into a state, as a reader's hands would."""
    figure.evaluate("(el, state) => el.model.set(state)", state)


def state(figure, *names) -> list:
    return figure.evaluate("(el, names) => names.map(name => el.model.get(name))", list(names))


def text(figure, name: str) -> str:
    return figure.locator(f"output[name={name}]").inner_text()


def numbers(shown: str) -> list[float]:
    """All numbers of a text with real minus signs."""
    return [float(found.replace("−", "-")) for found in re.findall(r"−?\d+(?:\.\d+)?", shown)]


def middle(locator) -> tuple[float, float]:
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
