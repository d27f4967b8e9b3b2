"""What the pages load: runtime, style sheet, the front ends of the figures on the page, and MathJax."""

from __future__ import annotations

import importlib.util
import json
import platform
import re
import shutil
import tempfile
from pathlib import Path

import torch
from sphinx.application import Sphinx
from sphinx.config import Config

from nbcode import widgets
from nbcode.device import processor_name
from nbcode.widgets.translator import font_face


def setup(app: Sphinx) -> None:
    app.connect("config-inited", tell_machine, priority=400)  # before the parser reads its settings
    app.connect("builder-inited", write_assets)
    app.connect("html-page-context", add_front_ends)
    app.connect("build-finished", mend_pages)
    app.add_css_file("style.css")
    app.add_css_file("east_asian.css")
    app.add_js_file("runtime.js", loading_method="defer")


def tell_machine(app: Sphinx, config: Config) -> None:
    """Let pages say on what they were built: ``{{ machine }}`` and ``{{ versions }}``."""
    config.myst_substitutions = {
        "machine": f"{platform.system()}, {processor_name()}",
        "versions": f"Python {platform.python_version()}, PyTorch {torch.__version__}",
    }


def write_assets(app: Sphinx) -> None:
    """Write generated files into a folder of their own, which Sphinx copies into ``_static``."""
    out = Path(tempfile.mkdtemp(prefix="nbsite"))
    app.connect("build-finished", lambda *_: shutil.rmtree(out, ignore_errors=True))
    (out / "figures").mkdir()
    for figure in widgets.ALL:
        front_end = json.dumps({"esm": str(figure._esm), "css": str(figure._css)})
        text = f'(window.nbFigures ??= {{}})["nb-{figure.tag}"] = {front_end};\n'
        (out / "figures" / f"{figure.tag}.js").write_text(text, encoding="utf-8")
    (out / "east_asian.css").write_text(font_face(), encoding="utf-8")  # for prose and code; style.css names it
    copy_mathjax(out / "mathjax")
    app.config.html_static_path.append(str(out))


# What other packages write into the pages, and what it must be. From disk, a browser refuses font preloads with an
# error each; the roles of bibliography entries are no longer allowed, and screen readers stumble over them.
MENDED = (
    (re.compile(r'<link rel="preload" as="font"[^>]*>\n?'), ""),
    (re.compile(r' role="doc-biblioentry"'), ""),
    (re.compile("✅"), "done"),  # in the table of run times; not every font has it
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
)


def mend_pages(app: Sphinx, failed: Exception | None) -> None:
    """Apply ``MENDED`` to all pages."""
    if failed or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        mended = text
        for found, better in MENDED:
            mended = found.sub(better, mended)
        if mended != text:
            path.write_text(mended, encoding="utf-8")


def copy_mathjax(out: Path) -> None:
    """Copy the 1.7 MB of MathJax 3 that the book needs, of the 24 in the package."""
    package = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    out.mkdir()
    shutil.copy(package / "tex-chtml-full.js", out)  # "full" holds all extensions; the plain one fetches some
    fonts = "output/chtml/fonts/woff-v2"
    shutil.copytree(package / fonts, out / fonts)


def add_front_ends(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Load the front ends of those figures that stand on this page."""
    from nbsite.figures import interactive

    if doctree is None:
        return
    figures = list(doctree.findall(interactive))
    for tag in sorted({node["tag"] for node in figures}):
        app.add_js_file(f"figures/{tag}.js", loading_method="defer", priority=400)  # before runtime.js, which is at 500
    for node in figures:
        if "bytes" in node:
            app.add_js_file(node["bytes"], loading_method="async")  # large, and the page is of use before it is there
