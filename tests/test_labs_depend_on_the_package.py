"""Each lab fails when the package is broken: its assertions hold the code that it imports, not a copy of it."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from nbsite.freshness import ROOT
from nbsite.labs import NOTEBOOKS

# lab -> (file of the package, what stands there, what to put in its place)
EDITS = {
    "00_before": (
        ("device.py", "torch.manual_seed(seed)", "torch.seed()"),
        ("device.py", 'f"{device_reason} {precision_reason}"', "device_reason"),
        ("widgets/matrix_product.py", "[list(row) for row in rows]", "[[n + 1 for n in row] for row in rows]"),
        ("cost.py", "time.perf_counter() - self.started", "self.started - time.perf_counter()"),
    ),
    "01_neuron": (
        ("models/neuron.py", "return (z > 0).to(z.dtype)", "return (z >= 1).to(z.dtype)"),
        ("models/neuron.py", "x @ self.weight.T + self.bias", "x @ self.weight.T - self.bias"),
        ("training/perceptron.py", "error = y - neuron.fire(x)", "error = neuron.fire(x) - y"),
        ("training/perceptron.py", "line.norm()", "1e3"),
        ("data/toy.py", "drawn[distance >= margin]", "drawn[distance < 0.01]"),
    ),
    "02_training": (
        ("training/loss.py", "(prediction - target).square().mean()", "(prediction - target).square().sum()"),
        ("training/loop.py", "accelerator.backward(loss)", "accelerator.backward(0.5 * loss)"),
        ("training/checks.py", "if math.isfinite(loss) and (", "if True or ("),
        ("training/interrupt.py", "        came = True", "        came = False"),
        ("training/evaluation.py", "total += examples * ", "total += "),
        ("data/regression.py", "keepdim=True) + BIAS", "keepdim=True)"),
    ),
    "03_gradients": (
        ("autograd.py", "value.grad += flow[value]", "value.grad = flow[value]"),
        ("autograd.py", "(1 - result**2,)", "(1 - result,)"),
        ("training/optimizers.py", "self.mean[place] / (1 - b1**t)", "self.mean[place]"),
        ("training/stability.py", "return 2 * (1 + fraction", "return 1.5 * (1 + fraction"),
        ("training/loss.py", "shifted = logits - _largest(logits)", "shifted = logits"),
        ("data/curves.py", "torch.tensor([1.0, 0.5], dtype=torch.float32) - upper", "upper"),
    ),
    "04_activations": (
        ("models/activations.py", "return s * (1 - s)", "return s * (1 + s)"),
        ("models/initialization.py", "math.sqrt(2 / (fan_in + fan_out))", "math.sqrt(2 / fan_in)"),
        ("models/normalization.py", "(variance + eps).sqrt()", "(variance + eps)"),
        ("models/dropout.py", "x / (1 - share)", "x"),
        ("models/mlp.py", "x + y if self.residual else y", "y"),
        (
            "probes.py",
            "hooks.callback(module.register_forward_hook(record).remove)",
            "module.register_forward_hook(record)",
        ),
        ("probes.py", "(outputs[0] != 0).any(dim=0)", "(outputs[0] != 0).all(dim=0)"),
        ("training/early_stopping.py", "copy.deepcopy(self.model.state_dict())", "self.model.state_dict()"),
        ("autograd.py", "(share + self.data * density,)", "(share,)"),
    ),
    "05_cnn_rnn_attention": (
        ("models/convolution.py", "rows @ weight.flatten(1).T", "rows @ weight.flatten(1).flip(1).T"),
        ("models/receptive_field.py", "field += (kernel - 1) * dilation * jump", "field += kernel * dilation * jump"),
        ("models/recurrent.py", "return z * state + (1 - z) * n", "return z * n + (1 - z) * state"),
        ("models/dot_product_attention.py", "query / math.sqrt(width) @ key.mT", "query / width @ key.mT"),
        ("models/positions.py", "place / base ** (even / width)", "place**2 / base ** (even / width)"),
        ("models/wiring.py", "return n + depth - 1 if", "return n + depth if"),
        ("experiments/sequence_run.py", "lengths[:, 0].mean()", "lengths[:, 1].mean()"),
        ("data/recall.py", "_only_last(tokens, tokens[:, 0])", "_only_last(tokens, tokens[:, 1])"),
    ),
    "06_transformer": (
        ("models/positions.py", "[angle.sin(), angle.cos()]", "[angle.cos(), angle.sin()]"),
        ("models/masks.py", ".triu(diagonal=1)", ".triu(diagonal=2)"),
        (
            "models/attention.py",
            "x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)",
            "x.reshape(len(x), self.n_heads, x.shape[1], -1)",
        ),
        ("models/dot_product_attention.py", "weights = weights.masked_fill(mask, 0.0)", "pass"),
        ("models/transformer_layers.py", "x = x + self.dropout(change)", "x = self.dropout(change)"),
        ("models/transformer_layers.py", "(h, memory, memory, memory_key_padding_mask,", "(h, memory, memory, None,"),
        ("models/transformer.py", "embedding(ids) * math.sqrt(self.config.d_model)", "embedding(ids)"),
        ("models/transformer.py", "memory, source_ids == self.config.padding, kept", "memory, None, kept"),
        ("models/parameter_count.py", "decoder * (2 * attention", "decoder * (attention"),
    ),
    "07_translation": (
        ("data/vocabulary.py", '|."', '|\\S"'),
        ("data/dates.py", "Days(days[TEST + VALIDATION :]", "Days(days[TEST:]"),
        ("experiments/translation_run.py", "ignore_index=PADDING", "ignore_index=-100"),
        ("training/schedules.py", "0.5 * (1 + math.cos", "1.0 * (1 + math.cos"),
    ),
    # Only what breaks a claim before the lab begins to train.
    "08_finetuning": (
        ("data/wordpiece.py", "min(self._reach, len(word))", "min(4, len(word))"),
        ("data/requirements/splits.py", "part_of.get(record.facts.fold, 0)", "record.req_id % 3"),
        ("data/batches.py", "key=lambda index: lengths[index]", "key=lambda index: index"),
        ("models/bert.py", "x + self.positions.weight[: input_ids.shape[1]]", "x"),
        ("models/text_classifier.py", "real.sum(dim=1).clamp(min=1)", "hidden.shape[1]"),
    ),
}
UNTOUCHED = ("", "", "")  # no edit
PAIRS = [
    pytest.param(lab, edit, id=f"{lab}-{edit[0]}-{number}")
    for lab, edits in EDITS.items()
    for number, edit in enumerate(edits)
]
RUN = """
import sys, nbclient, nbformat
nbclient.NotebookClient(nbformat.read(sys.argv[1], as_version=4), timeout=600).execute()
"""


def execute(lab: str, package_parent) -> subprocess.CompletedProcess:
    """Run a lab in a fresh kernel that finds the package in ``package_parent`` first."""
    command = [sys.executable, "-c", RUN, str(NOTEBOOKS / f"{lab}.ipynb")]
    environment = {**os.environ, "PYTHONPATH": str(package_parent), "OMP_NUM_THREADS": "1"}  # others run beside it
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=package_parent)


def execute_edited(lab: str, edit: tuple[str, str, str], folder) -> subprocess.CompletedProcess:
    """Run a lab on a copy of the package with one edit."""
    shutil.copytree(ROOT / "nbcode", folder / "nbcode", ignore=shutil.ignore_patterns("__pycache__"))
    file, there, instead = edit
    if file:
        edited = folder / "nbcode" / file
        text = edited.read_text(encoding="utf-8")
        assert text.count(there) == 1, f"{file} has no {there!r}: name another edit"
        edited.write_text(text.replace(there, instead), encoding="utf-8")
    return execute(lab, folder)


@pytest.fixture(scope="module")
def finished(request, tmp_path_factory):
    """The finished run for a lab and an edit. All runs that are asked for start at once, as many as there are cores."""
    asked = [
        item.callspec.params
        for item in request.session.items
        if getattr(item, "module", None) is request.module and hasattr(item, "callspec")
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {}
        for parameters in asked:
            key = parameters["lab"], parameters.get("edit", UNTOUCHED)
            runs[key] = pool.submit(execute_edited, *key, tmp_path_factory.mktemp("edited"))
        yield lambda lab, edit=UNTOUCHED: runs[lab, edit].result()
        pool.shutdown(cancel_futures=True)


def test_each_lab_has_at_least_three_edits():
    assert set(EDITS) == {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    assert all(len(edits) >= 3 for edits in EDITS.values())


@pytest.mark.parametrize(("lab", "edit"), PAIRS)
def test_a_broken_package_breaks_the_lab(finished, lab, edit):
    run = finished(lab, edit)
    assert run.returncode != 0
    # A claim of the lab must break, not merely its set-up.
    assert "AssertionError" in run.stderr, run.stderr[-2000:]


@pytest.mark.parametrize("lab", EDITS)
def test_an_untouched_copy_leaves_the_lab_whole(finished, lab):
    """Otherwise the labs above might fail for another reason than the edit."""
    run = finished(lab)
    assert run.returncode == 0, run.stderr[-2000:]
