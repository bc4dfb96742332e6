"""Cases of Compact Transformers without the convolutional tokenizer: python make_compact.py CHECKOUT

CHECKOUT: of https://github.com/SHI-Labs/Compact-Transformers, whose code makes the outputs.
"""
import pathlib
import sys

from make_cnn import make

sys.path.insert(0, sys.argv[1])
from src.cvt import CVT  # noqa: E402
from src.vit import ViTLite  # noqa: E402

KEYS = {"img_size": 24, "in_chans": 3, "embedding_dim": 48, "kernel_size": 4, "num_layers": 2, "num_heads": 3,
        "mlp_ratio": 2, "num_classes": 10}
OFF = {"dropout": 0.0, "attention_dropout": 0.0, "stochastic_depth": 0.0}


def main():
    for name, kind, positions in (("tiny_vit_lite", ViTLite, "learnable"), ("tiny_vit_lite_sine", ViTLite, "sine"),
                                  ("tiny_cvt", CVT, "learnable")):
        model = kind(positional_embedding=positions, **{k: v for k, v in KEYS.items() if k != "in_chans"}, **OFF)
        make(pathlib.Path(__file__).parent, name, model,
             {"class": kind.__name__, **KEYS, "positional_embedding": positions}, (24, 24),
             source="SHI-Labs/Compact-Transformers", origin="torch")


main()
