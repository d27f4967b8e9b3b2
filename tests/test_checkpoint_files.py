"""The files of a checkpoint: both kinds of weights are read, what is damaged is named, and no code in them is run."""

import pickle
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from torch import nn

from checkpoints import files, written
from nbcode.checkpoint_files import WEIGHTS, check_sums, read_config, read_weights


def test_weights_are_read_from_either_file_and_safetensors_go_first(tmp_path):
    written(tmp_path, files(seed=1))
    torch.testing.assert_close(
        read_weights(tmp_path)["a.weight"], torch.randn(100, 100, generator=torch.Generator().manual_seed(1))
    )
    written(tmp_path, files(seed=2, weights="model.safetensors"))
    expected = torch.randn(100, 100, generator=torch.Generator().manual_seed(2))
    assert torch.equal(read_weights(tmp_path)["a.weight"], expected)


def test_a_file_of_the_format_before_pytorch_1_6_is_read(tmp_path):
    state = nn.Linear(3, 2).state_dict()
    torch.save(state, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    read = read_weights(tmp_path)
    assert list(read) == ["weight", "bias"] and all(torch.equal(read[name], state[name]) for name in state)


class Malicious:
    """Unpickled by Python's own means, it writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "run")


@pytest.mark.parametrize("new", [True, False], ids=["zip", "old format"])
def test_code_in_a_pickle_is_never_run(tmp_path, new):
    trace = tmp_path / "trace"
    state = {"a.weight": torch.zeros(2), "b": Malicious(trace)}
    torch.save(state, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=new)
    with pytest.raises(ValueError, match="holds more than tensors, and no code in it was run") as refusal:
        read_weights(tmp_path)
    assert not trace.exists()
    # PyTorch's own message tells how to run it.
    assert "weights_only" not in str(refusal.value) and refusal.value.__suppress_context__
    torch.load(tmp_path / "pytorch_model.bin", weights_only=False)
    assert trace.read_text() == "run"  # it would have


def test_a_plain_pickle_is_no_checkpoint(tmp_path):
    trace = tmp_path / "trace"
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Malicious(trace), protocol=2))
    with pytest.raises(ValueError, match="no code in it was run"):
        read_weights(tmp_path)
    assert not trace.exists()


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("kept", [0, 4, 0.5, 0.999], ids=str)
def test_half_a_file_is_refused_by_name(tmp_path, weights, kept):
    contents = files(weights=weights)
    whole = contents[weights]
    contents[weights] = whole[: kept if isinstance(kept, int) else int(kept * len(whole))]
    with pytest.raises(ValueError, match=rf"{weights} is damaged.*[Ff]etch it again"):
        read_weights(written(tmp_path, contents))


@pytest.mark.parametrize("other", [[torch.zeros(2)], {"model": {"a": torch.zeros(2)}}, {"epoch": 3}], ids=str)
def test_weights_that_are_no_table_of_tensors_are_refused(tmp_path, other):
    torch.save(other, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="holds no table of tensors by name; give the weights alone"):
        read_weights(tmp_path)


def test_without_weights_and_without_a_readable_configuration(tmp_path):
    with pytest.raises(ValueError, match=r"has neither model.safetensors nor pytorch_model.bin"):
        read_weights(tmp_path)
    for text, told in ((b'{"a": ', "cannot be read"), (b"\xff\xfe", "cannot be read"), (b"[1]", "holds a list")):
        written(tmp_path, {"config.json": text})
        with pytest.raises(ValueError, match=rf"config.json {told}"):
            read_config(tmp_path)
    with pytest.raises(ValueError, match=r"config.json cannot be read"):
        read_config(tmp_path / "nowhere")


def test_sums(tmp_path):
    contents = files()
    written(tmp_path, contents)
    sums = {name: sha256(content).hexdigest() for name, content in contents.items()}
    check_sums(tmp_path, sums)
    check_sums(tmp_path, {})
    wrong = written(tmp_path, {"vocab.txt": contents["vocab.txt"][:-1]}) / "vocab.txt"
    with pytest.raises(ValueError, match=rf"vocab.txt has the SHA-256 .*not {sums['vocab.txt'][:16]}.*Delete {wrong},"):
        check_sums(tmp_path, sums)
    wrong.unlink()
    with pytest.raises(ValueError, match=rf"{tmp_path} lacks vocab.txt; delete the folder, and fetch or install it"):
        check_sums(tmp_path, sums)
