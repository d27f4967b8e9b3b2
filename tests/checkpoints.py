"""Small checkpoints for tests: files that look like one, and hold next to nothing."""

import io

import safetensors.torch
import torch
import transformers

from nbcode.data.tokenizer_files import SPECIAL
from nbcode.data.wordpiece import WordPiece


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


def tiny_bert(folder, words, seed=0, sizes=()):
    """A checkpoint of a real BERT, random, that knows some words well apart and spells all others of a to z."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocabulary = [*SPECIAL, *dict.fromkeys([*words, *letters, *(f"##{letter}" for letter in letters)])]
    config = transformers.BertConfig(
        **{"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48, "num_hidden_layers": 2}
        | {"max_position_embeddings": 64, "vocab_size": len(vocabulary)}
        | dict(sizes)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = transformers.BertModel(config, add_pooling_layer=False)
        torch.nn.init.normal_(network.embeddings.word_embeddings.weight)
    network.save_pretrained(folder)
    WordPiece(vocabulary).save(folder)
    return folder
