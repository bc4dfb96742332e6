#!/usr/bin/env python3
"""From a picture file to the input of a ViT: bench_pictures against Pillow and torchvision, both on one core.

    taskset -c 0 python3 bench/photos.py ../shared/images/photos     (needs torchvision)

Both read the file, decode, resize the shorter side to 256 (bicubic), crop 224 x 224 from the middle and normalise. They
take turns, round by round; a picture's time is CPU time (user and system), the median over the rounds.
"""

import argparse
import json
import pathlib
import platform
import statistics
import subprocess
import time

import PIL
import torch
import torchvision
from PIL import Image, features
from torchvision import transforms


def cpu_model():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


def time_ours(program, seconds):
    """{file name: ms}"""
    command = [program, "--benchmark_filter=^photo/", "--benchmark_format=json", f"--benchmark_min_time={seconds}"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {b["name"].split("/")[1]: b["cpu_time"] for b in json.loads(output)["benchmarks"]}


def time_theirs(files, seconds):
    prepare = transforms.Compose(
        [
            transforms.Resize(256, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    times = {}
    for file in files:
        calls, start, used = 0, time.process_time(), 0
        while used < seconds:
            prepare(Image.open(file).convert("RGB"))
            calls += 1
            used = time.process_time() - start
        times[file.name] = used / calls * 1e3
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--ours", default="build/release/bin/bench_pictures")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.1, help="for each picture and side in a round")
    args = parser.parse_args()
    torch.set_num_threads(1)
    files = sorted(args.photos.iterdir())
    ours, theirs = [], []
    for _ in range(args.rounds):
        ours.append(time_ours(args.ours, args.seconds))
        theirs.append(time_theirs(files, args.seconds))
    libraries = f"libjpeg-turbo {features.version('libjpeg_turbo')}, zlib {features.version('zlib')}"
    print(f"{cpu_model()}; Pillow {PIL.__version__} ({libraries}), torchvision {torchvision.__version__}")
    print(f"{'':42}{'ours, ms':>10}{'Pillow, ms':>12}{'ratio':>8}")
    for name in [file.name for file in files]:
        a, b = (statistics.median(times[name] for times in side) for side in (ours, theirs))
        print(f"{name:42}{a:10.3f}{b:12.3f}{b / a:8.2f}")
    a, b = (statistics.median(sum(times.values()) for times in side) for side in (ours, theirs))
    ratios = [sum(y.values()) / sum(x.values()) for x, y in zip(ours, theirs)]
    spread = f"{statistics.median(ratios):8.2f}  ({min(ratios):.2f} to {max(ratios):.2f})"
    print(f"{'all':42}{a:10.3f}{b:12.3f}{spread}")


if __name__ == "__main__":
    main()
