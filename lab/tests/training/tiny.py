"""A tiny MPNet of random weights, in place of the published one of 440 MB."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import MPNetConfig, MPNetModel

WORDS = (
    "<s>", "<pad>", "</s>", "<unk>", "<mask>",
    "he", "hurt", "me", "hit", "my", "dad", "scared", "at", "night", "we", "had", "pasta",
    "maths", "today", "game", "fun", "what", "is", "a", "dsl", "them", "secret", "football",
)  # fmt: skip
CONFIG = {
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 132,
    "num_hidden_layers": 5,
    "vocab_size": len(WORDS),
}


def tokenizer() -> Tokenizer:
    """Return a tokenizer of whole words with MPNet's special tokens."""
    made = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    made.post_processor = processors.TemplateProcessing(  # type: ignore[assignment]
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return made


def model(seed: int = 1, **config: int) -> MPNetModel:
    """Return a model with weights so large that every layer and every distance matters."""
    torch.manual_seed(seed)
    made = MPNetModel(MPNetConfig(**{**CONFIG, **config}), add_pooling_layer=False)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "LayerNorm" not in name:
                parameter.normal_(0, 0.2)
    return made.eval()


def write(folder: Path, made: MPNetModel | None = None) -> MPNetModel:
    """Write a folder like that of the published encoder."""
    made = made or model()
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model_type": "mpnet", **made.config.to_dict()}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    weights = {name: tensor.contiguous().clone() for name, tensor in made.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    tokenizer().save(str(folder / "tokenizer.json"))
    return made
