"""Cases of convolutional networks whose names are not tessera's: python make.py, with torch, timm and transformers.

Each in the format that tests/golden_model.h reads: weights and pictures by formula from the original's own names, outputs in float64.
"""
import pathlib
import sys

import timm
import torch
import transformers

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parents[1] / "models"))
from make_cnn import make  # noqa: E402


class Logits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def state_dict(self, *args, **keywords):
        return self.model.state_dict(*args, **keywords)

    def named_modules(self, *args, **keywords):
        return self.model.named_modules(*args, **keywords)

    def forward(self, x):
        return self.model(x).logits


def main():
    for name, picture in (("mobilenetv2_100", (64, 64)), ("efficientnet_b0", (64, 64))):
        make(here, "timm_" + name, timm.create_model(name, pretrained=False), {"call": f"timm.create_model('{name}')"},
             picture, source=f"timm {timm.__version__}")
    config = transformers.ResNetConfig(layer_type="basic", hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2],
                                       num_labels=1000)
    make(here, "hf_resnet18", Logits(transformers.ResNetForImageClassification(config)),
         {"class": "transformers.ResNetForImageClassification", "depths": [2, 2, 2, 2], "layer_type": "basic"}, (64, 64),
         source=f"transformers {transformers.__version__}", origin="hf")


main()
