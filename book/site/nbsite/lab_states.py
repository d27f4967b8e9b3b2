"""What a lab's figure holds when the lab has run: a chapter shows the same figure with the same state.

Small traits stand in the page itself. Binary ones, such as the weights of a network, come in a script of their own,
which loads while the page can be read; it is a script since a page opened from disk may load no other file.
"""

from __future__ import annotations

import json
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from nbcode.widgets import InteractiveFigure

VIEW, STATE = "application/vnd.jupyter.widget-view+json", "ipywidgets_state"  # myst-nb's names


def keep_in_script(app: Sphinx, doctree: nodes.document) -> None:
    """Write the states of a lab's widgets without "<": a text such as "</SCRIPT>" would end the script they stand in.

    myst-nb replaces only "</script>", in lower case.
    """
    _, script = app.env.nb_metadata.get(app.env.docname, {}).get("js_files", {}).get(STATE, (None, None))
    if script:
        script["body"] = script["body"].replace("<", r"\u003c")  # in JSON it stands only within texts


def saved(app: Sphinx, lab: str, figure: type[InteractiveFigure]) -> tuple[dict, dict[str, str]]:
    """The traits of a figure that a lab has shown, and the binary ones in base64.

    Args:
        app: whose labs have been read.
        lab: the name of a document.
        figure: a class, of which the lab shows one figure.

    Raises:
        LookupError: the lab shows none, or several.
    """
    _, script = app.env.nb_metadata.get(lab, {}).get("js_files", {}).get(STATE, (None, {"body": '{"state": {}}'}))
    states = json.loads(script["body"])["state"]
    name = f"{figure.__module__}.{figure.__name__}"
    found = [one for one in shown(app, lab) if states.get(one, {}).get("state", {}).get("_anywidget_id") == name]
    if len(set(found)) != 1:
        raise LookupError(f"{lab} shows {len(set(found))} figures of {figure.__name__}; it must show one")
    one = states[found[0]]
    binary = {path[0]: data for path, data in ((each["path"], each["data"]) for each in one.get("buffers", []))}
    return {trait: one["state"][trait] for trait in figure.defaults() if trait in one["state"]}, binary


def shown(app: Sphinx, lab: str) -> list[str]:
    """The models of the widgets that stand in a lab's outputs."""
    tag = f'<script type="{VIEW}">'
    raw = [node.astext() for node in app.env.get_doctree(lab).findall(nodes.raw)]
    return [json.loads(text.removeprefix(tag).removesuffix("</script>"))["model_id"] for text in raw if tag in text]


def write_binary(app: Sphinx, name: str, binary: dict[str, str]) -> str:
    """Write the script with the binary traits of a figure, and return its address in the folder of static files."""
    address = f"figures/{name}.bytes.js"
    path = Path(app.outdir) / "_static" / address
    path.parent.mkdir(parents=True, exist_ok=True)
    given = f'(window.nbBytes ??= {{}})["{name}"] = {json.dumps(binary)};\n'
    path.write_text(given + 'window.dispatchEvent(new Event("nb-bytes"));\n', encoding="utf-8")
    return address
