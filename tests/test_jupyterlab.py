"""A figure in JupyterLab, with a kernel behind it: keys move it, and Python sees the new value."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from playwright.sync_api import TimeoutError

from nbsite.browser import watched
from nbsite.labs import METADATA

CELLS = ("from nbcode.widgets import Neuron\nfigure = Neuron(w1=0.5)\nfigure", "print('w1 is', figure.w1)")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab that serves one notebook."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), tmp_path / "try.ipynb")
    port = free_port()
    server = {"token": "", "password": "", "open_browser": False, "root_dir": str(tmp_path), "port": port}
    quiet = {"news_url": None, "check_for_updates_class": "jupyterlab.NeverCheckForUpdate"}
    settings = {"ServerApp": server, "LabApp": quiet}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    home = {"HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path / "data")}
    log = (tmp_path / "log").open("w")
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", f"--config={tmp_path / 'config.json'}"]
    server = subprocess.Popen(command, env={**os.environ, **home}, stdout=log, stderr=log)
    try:
        wait_until_up(f"http://127.0.0.1:{port}/api", server, tmp_path / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


def wait_until_up(url: str, server: subprocess.Popen, log) -> None:
    for _ in range(120):
        assert server.poll() is None, f"JupyterLab ended:\n{log.read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(url):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail("JupyterLab did not start within a minute")


def run_until_shown(page, figure, tries: int = 6) -> None:
    """Run the first cell; on a busy machine JupyterLab drops a cell that is run while its extensions still start."""
    for _ in range(tries):
        page.locator(".jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        try:
            return figure.wait_for(timeout=20_000)
        except TimeoutError:
            continue
    pytest.fail(f"the figure did not appear; the cell shows: {page.locator('.jp-CodeCell').first.inner_text()}")


def test_a_figure_talks_with_python(lab, browser):
    with watched(browser) as seen:
        page = seen.page
        page.goto(f"{lab}/lab/tree/try.ipynb")
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(state="attached", timeout=120_000)
        figure = page.locator(".nb-neuron")
        run_until_shown(page, figure)
        assert figure.locator(".nb-equation").inner_text().startswith("z = 0.50 x₁")
        slider = figure.locator("input[name=w1]")
        slider.focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        assert figure.locator(".nb-equation").inner_text().startswith("z = 0.80 x₁")
        handle = figure.locator(".nb-point").nth(1)
        handle.focus()
        page.keyboard.press("Enter")
        assert handle.get_attribute("aria-label").startswith("Point 2, label 1")
        page.locator(".jp-CodeCell .cm-content").nth(1).click()
        page.keyboard.press("Shift+Enter")
        output = page.locator(".jp-CodeCell").nth(1).locator(".jp-OutputArea-output")
        output.get_by_text("w1 is 0.8").wait_for(timeout=20_000)
