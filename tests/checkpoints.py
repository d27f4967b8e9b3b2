"""Small checkpoints for tests: files that look like one, and hold next to nothing."""

import io

import safetensors.torch
import torch


def files(seed=0, weights="pytorch_model.bin"):
    """The files of a checkpoint as minirbt has them, with weights of 40,000 bytes."""
    tensors = {"a.weight": torch.randn(100, 100, generator=torch.Generator().manual_seed(seed))}
    torch.save(tensors, pickled := io.BytesIO())
    content = safetensors.torch.save(tensors) if weights.endswith(".safetensors") else pickled.getvalue()
    return {"config.json": b'{"model_type": "bert"}', "vocab.txt": "[PAD]\n好\n".encode(), weights: content}


def written(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder
