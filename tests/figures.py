"""What the tests of the interactive figures share: where each figure stands, and how to set and read it."""

import contextlib
import re

# tag -> the chapter in whose page the figure is tested
CHAPTERS = {
    "nb-matrix-product": "00_before",
    "nb-neuron": "01_neuron",
    "nb-hidden": "01_neuron",
    "nb-line-fit": "02_training",
    "nb-descent": "03_gradients",
    "nb-backward": "03_gradients",
    "nb-convolution": "05_cnn_rnn_attention",
    "nb-lookup": "05_cnn_rnn_attention",
    "nb-wirings": "05_cnn_rnn_attention",
    "nb-signal": "04_activations",
    "nb-attention-head": "06_transformer",
    "nb-translator": "07_translation",
    "nb-architecture": "06_transformer",
    "nb-learning-curves": "08_finetuning",
    "nb-threshold": "08_finetuning",
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


HOSTILE = "<img src=x onerror='window.harmed = true'>"


@contextlib.contextmanager
def hostile(page, tag: str, state: dict):
    """A figure with a state from a stranger: whatever is done with it, texts stay texts. It is taken out at the end."""
    page.evaluate(
        "([tag, state]) => { const made = document.createElement(tag); made.dataset.state = JSON.stringify(state);"
        "made.className = 'nb-live hostile'; document.querySelector('.bd-article').append(made); }",
        [tag, state],
    )
    page.wait_for_function("document.querySelector('.hostile').dataset.nb")
    made = page.locator(f"{tag}.hostile")
    yield made
    assert made.locator("img").count() == 0
    assert not page.evaluate("window.harmed")
    made.evaluate("el => el.remove()")


def take_out_and_put_back(page, tag: str) -> None:
    """In the middle of a run: taken out, a figure lets go of everything; put back, it goes on from where it was."""
    page.evaluate(f"figure = document.querySelector('{tag}'), place = figure.parentNode, next = figure.nextSibling")
    page.evaluate("figure.remove()")
    page.wait_for_function("!figure.querySelector('svg') && !figure.dataset.nb")
    assert page.evaluate("[...figure.model.handlers.values()].reduce((sum, set) => sum + set.size, 0)") == 0
    stopped = page.evaluate("JSON.stringify(figure.model.state)")
    page.wait_for_timeout(300)
    assert page.evaluate("JSON.stringify(figure.model.state)") == stopped
    page.evaluate("place.insertBefore(figure, next)")
    page.wait_for_function("figure.querySelector('svg') && figure.dataset.nb === 'ready'")
    assert page.evaluate("JSON.stringify(figure.model.state)") == stopped
