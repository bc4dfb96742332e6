"""Checkpoints as people write them, beyond those in origins/: run with PyTorch and safetensors installed.

NAME.pth and, in expect.safetensors, every tensor that PyTorch reads back, under "NAME.pth:PATH".
"""
import argparse, collections, copy, copyreg, datetime, functools, pathlib, sys
import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(0)


def no_source(_):
    raise OSError("the sources of PyTorch's classes are not to be stored with them")


torch.serialization.get_source_lines_and_file = no_source


class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)
        self.register_buffer("scale", torch.ones(2))
        self.register_buffer("mask", torch.zeros(2), persistent=False)


class Net(nn.Module):
    """Tied weights, a module under two names, buffers that a state_dict leaves out, tensors that are no parameters."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(4, 3)
        self.blocks = nn.ModuleList([Part(), Part()])
        self.first = self.blocks[0]
        self.head = nn.Linear(3, 4, bias=False)
        self.head.weight = self.embed.weight
        self.norm = nn.BatchNorm1d(3)
        self.make_norm = functools.partial(nn.LayerNorm, eps=1e-6)
        self.config = {"width": 3, "act": nn.GELU}
        self.plain = torch.ones(2)


class Subclass(torch.Tensor):
    pass


net = Net()
optimizer = torch.optim.AdamW(net.parameters(), 1e-3)
net.blocks[0].fc(torch.ones(1, 3)).sum().backward()
optimizer.step()
parameter = nn.Parameter(torch.arange(3.0))
parameter.tag = "kept"

files = {
    "module": net,
    "module_in_dict": {"model": net, "ema": copy.deepcopy(net).half(), "updates": 5},
    "training": {
        "net": {"module." + k: v for k, v in net.state_dict().items()},
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("/tmp/x"), betas=(0.9, 0.95), resume=None, device=torch.device("cuda:0")),
        "arch": "vit_tiny",
        "epoch": 7,
        "best": np.float64(0.5),
        "history": np.arange(3.0),
        "numpy_random": np.random.RandomState(0).get_state(),
        "random": torch.get_rng_state()[:8].clone(),
        "when": datetime.datetime(2024, 2, 29),
        "seen": {1, 2},
        "counts": collections.Counter("aab"),
        "lists": collections.defaultdict(list, {"loss": [1.0, 2.0]}),
    },
    "parameters": {"parameter": nn.Parameter(torch.ones(2)), "with_state": parameter},
    "subclass": {"weight": torch.arange(4.0).as_subclass(Subclass)},
    "tensor": torch.arange(6.0).view(2, 3).t(),
    "nested": [torch.ones(2), (torch.zeros(1), {"a": torch.eye(2), 3: torch.ones(1)})],
    "unsigned": {"u16": torch.tensor([1, 65535], dtype=torch.uint16), "u32": torch.tensor([2**32 - 1], dtype=torch.uint32)},
}
variants = {
    "module_legacy": (net, {"_use_new_zipfile_serialization": False}),
    "module_protocol1": (net, {"pickle_protocol": 1}),
    "module_protocol5": (net, {"pickle_protocol": 5}),
    "training_legacy": (files["training"], {"_use_new_zipfile_serialization": False}),
}


def tensors(value, path, found):
    under = lambda key: f"{path}/{key}" if path else str(key)
    if isinstance(value, torch.Tensor):
        found[path or "tensor"] = value.detach().as_subclass(torch.Tensor).contiguous().clone()
    elif isinstance(value, nn.Module):
        for key, tensor in value.state_dict().items():
            found[under(key)] = tensor.contiguous().clone()
    elif isinstance(value, (list, tuple, dict)):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in pairs:
            tensors(part, under(key), found)


expect = {}
for name, value in files.items():
    torch.save(value, f"{name}.pth")
for name, (value, options) in variants.items():
    torch.save(value, f"{name}.pth", **options)
# Python 2 wrote an OrderedDict as a call with a list of pairs.
copyreg.pickle(collections.OrderedDict, lambda d: (collections.OrderedDict, ([list(pair) for pair in d.items()],)))
torch.save(net.state_dict(), "python2.pth")
for name in [*files, *variants, "python2"]:
    found = {}
    tensors(torch.load(f"{name}.pth", weights_only=False, map_location="cpu"), "", found)
    expect.update({f"{name}.pth:{key}": tensor for key, tensor in found.items()})
save_file(expect, "expect.safetensors")
print(torch.__version__, len(expect), file=sys.stderr)
