"""The state of a lab's figure, as a chapter takes it over."""

import json
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from nbcode.widgets import Neuron
from nbsite.lab_states import keep_in_script, saved, shown, write_binary

LAB = "notebooks/07_translation"
STATE = {"_anywidget_id": "nbcode.widgets.neuron.Neuron", "_esm": "text", "w1": 0.5, "b": None}
BUFFERS = [{"path": ["b"], "data": "AAAA", "encoding": "base64"}]
OTHER = {"_anywidget_id": "nbcode.widgets.hidden.Hidden", "w1": 7}


def build(tmp_path, models: dict[str, dict], views: list[str]) -> SimpleNamespace:
    """An application that has read one lab with these models, of which some are shown."""
    document = new_document("lab")
    for view in views:
        tag = f'<script type="application/vnd.jupyter.widget-view+json">{json.dumps({"model_id": view})}</script>'
        document += nodes.raw(text=tag, format="html")
    document += nodes.raw(text="<p>something else</p>", format="html")
    script = ("", {"type": "any", "body": json.dumps({"state": models})})
    metadata = {LAB: {"js_files": {"ipywidgets_state": script}}} if models else {}
    env = SimpleNamespace(nb_metadata=metadata, get_doctree=lambda name: document)
    return SimpleNamespace(env=env, outdir=str(tmp_path))


def test_the_figures_own_traits_and_its_bytes_are_taken(tmp_path):
    models = {"one": {"state": STATE, "buffers": BUFFERS}, "two": {"state": OTHER}, "three": {"state": {"w1": 3}}}
    app = build(tmp_path, models, ["two", "one", "three"])
    assert shown(app, LAB) == ["two", "one", "three"]
    assert saved(app, LAB, Neuron) == ({"w1": 0.5, "b": None}, {"b": "AAAA"})


def test_a_figure_without_bytes_has_none(tmp_path):
    app = build(tmp_path, {"one": {"state": STATE}}, ["one", "one"])  # shown twice, it is still one
    assert saved(app, LAB, Neuron) == ({"w1": 0.5, "b": None}, {})


@pytest.mark.parametrize(
    ("models", "views", "count"),
    [
        ({}, [], 0),
        ({"one": {"state": STATE}}, [], 0),
        ({"two": {"state": OTHER}}, ["two"], 0),
        ({"one": {"state": STATE}, "more": {"state": STATE}}, ["one", "more"], 2),
    ],
    ids=["no state", "not shown", "another figure", "two of them"],
)
def test_none_or_several_are_refused_with_their_number(tmp_path, models, views, count):
    with pytest.raises(LookupError, match=f"{LAB} shows {count} figures of Neuron; it must show one"):
        saved(build(tmp_path, models, views), LAB, Neuron)


def test_bytes_are_written_as_a_script_that_tells_the_page(tmp_path):
    address = write_binary(build(tmp_path, {}, []), "fig-a", {"weights": "AAAA"})
    assert address == "figures/fig-a.bytes.js"
    text = (tmp_path / "_static" / address).read_text(encoding="utf-8")
    assert '["fig-a"] = {"weights": "AAAA"};' in text and 'new Event("nb-bytes")' in text


@pytest.mark.parametrize("harmful", ["</SCRIPT><script>harm()//", "</script >", "<!--<script>", "a < b"])
def test_a_text_in_a_state_does_not_end_the_script_that_it_stands_in(tmp_path, harmful):
    app = build(tmp_path, {"one": {"state": {**STATE, "text": harmful}}}, ["one"])
    app.env.docname = LAB
    before, _ = saved(app, LAB, Neuron)
    script = app.env.nb_metadata[LAB]["js_files"]["ipywidgets_state"][1]
    keep_in_script(app, None)
    assert "<" not in script["body"] and json.loads(script["body"])["state"]["one"]["state"]["text"] == harmful
    assert saved(app, LAB, Neuron)[0] == before


def test_a_page_without_widgets_has_no_script_to_guard(tmp_path):
    app = build(tmp_path, {}, [])
    app.env.docname = LAB
    keep_in_script(app, None)
    assert app.env.nb_metadata == {}
