#!/usr/bin/env python3
"""Renames the weights of two published checkpoints to ours, until tessera reads such files by itself.

    python3 bench/map_checkpoints.py ../shared/checkpoints OUT      (needs PyTorch)

writes OUT/{mnist,cifar10}.safetensors with OUT/{mnist,cifar10}.json, the architectures.
"""

import json
import pathlib
import struct
import sys

import torch


def save(path, tensors, architecture):
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.detach().float().contiguous().cpu().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.with_suffix(".safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    path.with_suffix(".json").write_text(json.dumps(architecture, indent=1))


def state_of(path):
    loaded = torch.load(path, map_location="cpu", weights_only=False)
    for key in ("model_state_dict", "state_dict", "model"):
        if isinstance(loaded, dict) and key in loaded:
            loaded = loaded[key]
    return loaded if isinstance(loaded, dict) else loaded.state_dict()


def renamed(state, rules):
    ours = {}
    for name, tensor in state.items():
        for old, new in rules:
            name = name.replace(old, new)
        ours[name] = tensor
    return ours


COMMON = {"family": "vit", "patch_size": 4, "embed_dim": 128, "num_heads": 4, "mlp_ratio": 2, "num_classes": 10}


def mnist(path):
    """Post-norm, as torch.nn.TransformerEncoderLayer names it; the head has a hidden layer."""
    state = state_of(path)
    rules = [("embedding.patch.", "patch_embed.proj."), ("embedding.pos", "pos_embed"), ("embedding.cls", "cls_token"),
             ("encoder.6.", "norm."), ("mlp.fc1.", "pre_logits.fc."), ("mlp.fc2.", "head.")]
    ours = {}
    for name, tensor in renamed(state, rules).items():
        if name.startswith("encoder."):
            for old, new in [("encoder.", "blocks."), ("attention.in_proj_", "attn.qkv."),
                             ("attention.out_proj.", "attn.proj."), ("mlp.0.", "mlp.fc1."), ("mlp.2.", "mlp.fc2.")]:
                name = name.replace(old, new)
        ours[name] = tensor
    return ours, {**COMMON, "img_size": 28, "in_chans": 1, "depth": 6, "norm_position": "post", "norm_eps": 1e-5,
                  "representation_size": 128}


def cifar10(path):
    """Pre-norm with separate query, key and value, and norms whose parameters are called alpha and beta."""
    rules = [("embedding.cls_token", "cls_token"), ("embedding.pos_embeddings", "pos_embed"),
             ("embedding.patch_embeddings.conv.", "patch_embed.proj."), ("encoder.layers.", "blocks."),
             ("attn.out_proj.", "attn.proj."), ("ffn.", "mlp."), (".alpha", ".weight"), (".beta", ".bias"),
             ("encoder.norm.", "norm."), ("mlp_head.", "head.")]
    ours, parts = {}, {}
    for name, tensor in renamed(state_of(path), rules).items():
        layer, _, which = name.rpartition("attn.")
        part, _, kind = which.partition(".")
        if part in ("query", "key", "value"):
            parts.setdefault(f"{layer}attn.qkv.{kind}", {})[part] = tensor
        else:
            ours[name] = tensor
    for name, qkv in parts.items():
        ours[name] = torch.cat([qkv["query"], qkv["key"], qkv["value"]])
    return ours, {**COMMON, "img_size": 32, "depth": 4}


def main():
    checkpoints, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    save(out / "mnist", *mnist(checkpoints / "mnist-vit-postnorm" / "vision_transformer.pth"))
    save(out / "cifar10", *cifar10(checkpoints / "cifar10-vit-prenorm" / "vit_cifar10.pth"))


if __name__ == "__main__":
    main()
