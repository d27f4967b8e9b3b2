"""What a chapter shows: interactive figures, and the figures and numbers of its lab."""

from __future__ import annotations

import json
from html import escape

from docutils import nodes
from docutils.parsers.rst import directives, roles
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from nbcode import widgets
from nbcode.widgets.base import attributes
from nbsite import lab_states

log = logging.getLogger(__name__)
TAGS = {figure.tag: figure for figure in widgets.ALL}


class interactive(nodes.General, nodes.Element):  # noqa: N801 (docutils names its nodes in lower case)
    """An interactive figure; its child is the still picture for print and for pages without script."""


class lab_figure(nodes.General, nodes.Element):  # noqa: N801
    """Stands for a figure of a lab until that lab has been read."""


class Interactive(SphinxDirective):
    """``{interactive} TAG`` with ``:name:``, ``:alt:``, optional ``:state:`` (JSON); the content is the caption.

    With ``:from-lab:`` the rest of the state is that of the same figure in the lab with the same stem as this page.
    """

    required_arguments = 1
    has_content = True
    option_spec = {  # noqa: RUF012
        "name": directives.unchanged_required,
        "alt": directives.unchanged_required,
        "state": directives.unchanged,
        "from-lab": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        tag = self.arguments[0]
        if tag not in TAGS:
            raise self.error(f"no interactive figure is called {tag!r}; there are: {', '.join(TAGS)}")
        if not self.options.get("alt") or not self.options.get("name"):
            raise self.error("an interactive figure needs :name: and :alt:")
        try:
            given = dict(json.loads(self.options.get("state", "{}")))
            state = attributes(TAGS[tag], given)
        except (TypeError, ValueError) as error:  # a bad trait, no JSON, or JSON that is no object
            raise self.error(f"bad state of {tag}: {error}") from error
        still = f"/book/stills/{self.options['name']}.png"
        live = interactive("", nodes.image(uri=still, alt=self.options["alt"]), tag=tag, state=json.dumps(state))
        if "from-lab" in self.options:
            live["from_lab"], live["given"] = self.options["name"], list(given)
        figure = nodes.figure("", live, classes=["nb-figure"])
        self.set_source_info(figure)
        caption = nodes.caption()
        parsed = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, parsed)
        if len(parsed.children) != 1:
            raise self.error("an interactive figure needs a caption of one paragraph")
        caption += parsed.children[0].children
        figure += caption
        self.add_name(figure)
        return [figure]


class LabFigure(SphinxDirective):
    """``{lab-figure} NAME``: the figure called NAME of the lab with the same stem as this page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        node = lab_figure(name=self.arguments[0])
        self.set_source_info(node)
        return [node]


class Measured(SphinxRole):
    """``{measured}`name``` or ``{measured}`name:.2f```: a number that the chapter's lab has quoted."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        name, _, spec = self.text.partition(":")
        lab = self.env.docname.replace("book/", "../notebooks/", 1)
        glue, _ = roles.role("glue:text", self.inliner.language, self.lineno, self.inliner.reporter)
        return glue("glue:text", self.rawtext, f"{lab}.ipynb::{name}:{spec or 's'}", self.lineno, self.inliner)


def show_lab_figures(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace each placeholder by a copy of the lab's figure."""
    for node in list(doctree.findall(lab_figure)):
        lab = docname.replace("book/", "notebooks/", 1)
        found = [figure for figure in app.env.get_doctree(lab).findall(nodes.figure) if node["name"] in figure["names"]]
        if not found:
            log.warning("%s has no figure named %r", lab, node["name"], location=node)
            node.parent.remove(node)
            continue
        node.replace_self(copied(app, docname, lab, found[0]))


def take_lab_states(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give the figures of a chapter that ask for it the state which the lab's has."""
    for node in doctree.findall(interactive):
        if "from_lab" not in node:
            continue
        try:
            state, binary = lab_states.saved(app, docname.replace("book/", "notebooks/", 1), TAGS[node["tag"]])
        except LookupError as error:
            log.warning("%s", error, location=node)
            continue
        node["lab"] = json.dumps({name: value for name, value in state.items() if name not in node["given"]})
        if binary and app.builder.format == "html":
            node["bytes"] = lab_states.write_binary(app, node["from_lab"], binary)


def copied(app: Sphinx, docname: str, lab: str, original: nodes.figure) -> nodes.figure:
    """A copy of a lab's figure for another page, without a number of its own and with a link to the lab."""
    figure = original.deepcopy()
    for image in figure.findall(nodes.image):
        app.env.images.add_file(docname, image["uri"])
    target = original["ids"][0]
    link = nodes.reference("", "", nodes.inline(text="from the lab"), internal=True)
    link["refuri"] = f"{app.builder.get_relative_uri(docname, lab)}#{target}"
    for text in list(figure.findall(nodes.literal_block)):  # the plain-text form of the same output
        text.parent.remove(text)
    for caption in figure.findall(nodes.caption):
        caption += [nodes.Text(" ("), link, nodes.Text(")")]
    return figure


def visit_interactive(self, node: interactive) -> None:
    lab = f' data-lab="{escape(node["lab"])}" data-bytes="{node["from_lab"]}"' if "lab" in node else ""
    self.body.append(f'<nb-{node["tag"]} class="nb-live" data-state="{escape(node["state"])}"{lab}>')


def depart_interactive(self, node: interactive) -> None:
    self.body.append(f"</nb-{node['tag']}>")


def _nothing(self, node: nodes.Node) -> None:
    """Other formats show the child, the still picture."""


def setup(app: Sphinx) -> None:
    others = dict.fromkeys(("latex", "text", "man", "texinfo"), (_nothing, _nothing))
    app.add_node(interactive, html=(visit_interactive, depart_interactive), **others)
    app.add_node(lab_figure)
    app.add_directive("interactive", Interactive)
    app.add_directive("lab-figure", LabFigure)
    app.add_role("measured", Measured())
    app.connect("doctree-read", lab_states.keep_in_script)
    app.connect("doctree-resolved", show_lab_figures)
    app.connect("doctree-resolved", take_lab_states)
