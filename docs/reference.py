"""Writes what a model of PyTorch computes, for `tessera parity MODEL --expect y.safetensors`. Run it beside the model:

    from reference import write_reference
    model = timm.create_model("vit_tiny_patch16_224", pretrained=True)          # or torchvision's, Hugging Face's, yours
    write_reference(model, x, "y.safetensors")                                  # x: (B, 3, H, W), normalised
    write_reference(model.double(), x.double(), "y.safetensors")                # without the errors of float32
    write_reference(model, x, "y.safetensors", pixels=seen)                     # seen: uint8 (B, H, W, 3), before normalising
    write_reference(model, x, "y.safetensors", names={"trunk.final": "features"})  # modules that the rules below do not know

Needs torch, numpy and safetensors. The intermediates get tessera's names (docs/parity.md); modules are known by their names in timm,
torchvision, Hugging Face (ViT, DeiT) and vit-pytorch.
"""
import re

import numpy as np
import torch
from safetensors.numpy import save_file

PREFIX = r"(?:module\.|_orig_mod\.|model\.|backbone\.|vit\.|deit\.)*"
BLOCK = r"(?:blocks\.|layers\.|encoder\.layer\.|encoder\.layers\.(?:encoder_layer_)?)(\d+)"
OUTPUTS = [  # of these modules; of several that match a name, the first that runs
    (r"patch_embed|conv_proj|embeddings\.patch_embeddings|to_patch_embedding", "patch_embed"),
    (r"pos_drop|encoder\.dropout|embeddings|dropout", "pos_added"),
    (r"norm_pre", "norm_pre"),
    (BLOCK, "blocks.{}"),
    (BLOCK + r"\.(?:attn|self_attention|self_attn|attention)", "blocks.{}.attn"),
    (BLOCK + r"\.(?:mlp|output\.dense)", "blocks.{}.mlp"),
    (r"transformer\.layers\.(\d+)\.0", "blocks.{}.attn"),
    (r"transformer\.layers\.(\d+)\.1", "blocks.{}.mlp"),
    (r"norm|encoder\.ln|layernorm|transformer\.norm", "features"),
]
INPUTS = [(r"head|heads|classifier|mlp_head", "pooled")]


def our_name(module_name, rules):
    for pattern, name in rules:
        match = re.fullmatch(PREFIX + "(?:" + pattern + ")", module_name)
        if match:
            return name.format(*(group for group in match.groups() if group is not None))
    return None


def tensor_of(value):
    """The tensor of whatever a module returns: itself, the logits of an output class, the first of a tuple."""
    if isinstance(value, torch.Tensor):
        return value
    if hasattr(value, "logits"):
        return value.logits
    return tensor_of(next(iter(value.values() if isinstance(value, dict) else value)))


@torch.no_grad()
def write_reference(model, x, path, pixels=None, names=None):
    found, hooks = {}, []

    def keep(name, value):
        try:
            found.setdefault(name, tensor_of(value).detach().float().cpu().numpy())
        except (TypeError, StopIteration, AttributeError):
            pass  # no tensor

    for module_name, module in model.named_modules():
        name = (names or {}).get(module_name) or our_name(module_name, OUTPUTS)
        if name and not (name == "norm_pre" and isinstance(module, torch.nn.Identity)):
            hooks.append(module.register_forward_hook(lambda m, i, o, name=name: keep(name, o)))
        name = our_name(module_name, INPUTS)
        if name:
            hooks.append(module.register_forward_pre_hook(lambda m, i, name=name: keep(name, i)))
    training = model.training
    try:
        logits = tensor_of(model.eval()(x))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    found["logits"] = logits.float().cpu().numpy()
    found["input"] = x.detach().float().cpu().numpy()
    if pixels is not None:
        found["pixels"] = np.asarray(pixels, dtype=np.uint8)
    save_file({name: np.ascontiguousarray(value) for name, value in found.items()}, path)
    return sorted(found)
