"""Makes the cases of convolutional networks that need no more than torch and torchvision: python make_cnn.py [FOLDER]

Each in the format that tests/golden_model.h reads: weights and pictures by formula, outputs of the original in float64.
"""
import json
import sys
import zlib

import numpy as np
import torch
import torchvision
from safetensors.numpy import save_file
from torch import nn
from torchvision.models import resnet


def uniform(name, count):
    key = np.uint64(zlib.crc32(name.encode()) << 32)
    with np.errstate(over="ignore"):
        z = key + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def values(name, shape, a, b):
    return torch.from_numpy((a + b * uniform(name, int(np.prod(shape)))).astype(np.float32)).reshape(shape)


def fill(model, norms):
    """Weights that keep activations in range, as a list of what the formula needs; what is no parameter to train stays."""
    tensors = []
    fixed = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    for name, tensor in model.state_dict().items():
        if name in fixed:
            continue
        shape = list(tensor.shape)
        if name.endswith("num_batches_tracked"):
            tensors.append({"name": name, "shape": [], "a": 0, "b": 0, "dtype": "i64"})
            continue
        a, b = 0, 0.05
        if name.endswith("running_var"):
            a, b = 1, 0.4
        elif name.endswith("running_mean"):
            b = 0.1
        elif name.endswith("weight") and name.rsplit(".", 1)[0] in norms:
            a, b = 1, 0.1
        elif name.endswith("weight"):
            b = round(float((6 / np.prod(shape[1:])) ** 0.5), 6)
        tensors.append({"name": name, "shape": shape, "a": a, "b": b})
        tensor.copy_(values(name, shape, a, b))
    return tensors


def rounded(tensors):
    return {name: value.detach().to(torch.float32).numpy().copy() for name, value in tensors.items()}


def gradients(model, images, labels):
    for parameter in model.parameters():
        parameter.grad = None
    images = images.clone().requires_grad_()
    logits = model.train()(images)
    loss = nn.functional.cross_entropy(logits, torch.tensor(labels))
    loss.backward()
    result = {"loss": loss.reshape(1), "logits": logits, "grad.input": images.grad}
    result |= {"grad." + name: p.grad for name, p in model.named_parameters()}
    return result | {"stat." + name: buffer for name, buffer in model.named_buffers() if "running" in name}


def make(folder, name, model, architecture, picture, train=False, source=f"torchvision {torchvision.__version__}",
         origin=None):
    norms = {n for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)}
    tensors = fill(model, norms | {n for n, m in model.named_modules() if isinstance(m, nn.LayerNorm)})
    images = values("input", [2, 3, *picture], 0, 1.7320508)
    with torch.no_grad():
        single = model.eval()(images)
        expected = model.double()(images.double())
    error = float((single - expected).abs().max() / expected.abs().max())
    save_file(rounded({"logits": expected}), f"{folder}/{name}.expect.safetensors")
    case = {
        "case": name,
        "source": f"{source}, torch {torch.__version__}",
        "origin": origin or source.split()[0],
        "architecture": architecture,
        "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "tensors": tensors,
        "input": {"name": "input", "shape": [2, 3, *picture], "a": 0, "b": 1.7320508},
        "expect": f"{name}.expect.safetensors",
        "outputs": {"logits": list(expected.shape)},
        "tolerance": {"logits_rel": 1e-4, "strict_rel": max(10 * error, 5e-6)},
        "torch_fp32_rel": error,
    }
    if train:
        labels = [1, 3]
        save_file(rounded(gradients(model, images.double(), labels)), f"{folder}/{name}.grad.safetensors")
        case["gradients"] = {
            "expect": f"{name}.grad.safetensors",
            "labels": labels,
            "loss": "mean cross-entropy over the batch",
            "mode": "train",
            "zero": [n + ".bias" for n, m in model.named_modules() if isinstance(m, nn.Conv2d) and m.bias is not None]
            if norms
            else [],
            "tolerance_rel": 1e-4,
        }
    json.dump(case, open(f"{folder}/{name}.json", "w"), indent=1)
    print(name, case["parameters"], error)


class TinyResNet(nn.Module):
    """torchvision's blocks and stages, in a narrow network of two stages."""

    def __init__(self, block, layers, width, groups, width_per_group, num_classes):
        super().__init__()
        self._norm_layer, self.dilation = nn.BatchNorm2d, 1
        self.inplanes, self.groups, self.base_width = width, groups, width_per_group
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        for i, n in enumerate(layers):
            stage = resnet.ResNet._make_layer(self, block, width << i, n, stride=1 if i == 0 else 2)
            setattr(self, f"layer{i + 1}", stage)
        self.stages = len(layers)
        self.fc = nn.Linear((width << (len(layers) - 1)) * block.expansion, num_classes)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for i in range(self.stages):
            x = getattr(self, f"layer{i + 1}")(x)
        return self.fc(x.mean((2, 3)))


def main(folder):
    make(folder, "tiny_resnext", TinyResNet(resnet.Bottleneck, [2, 1], 16, 4, 16, 5),
         {"class": "torchvision's Bottleneck", "layers": [2, 1], "width": 16, "groups": 4, "width_per_group": 16,
          "num_classes": 5, "img_size": [36, 28]}, (36, 28), train=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ".")
