#!/usr/bin/env python3
"""Few labels: a ViT pre-trained on five classes of CIFAR-10 and fine-tuned to the other five, against one from scratch.

    python3 bench/fine_tuning.py run TESSERA CIFAR WORK     # the study of docs/fine-tuning.md, about 65 core-minutes
    python3 bench/fine_tuning.py draw                       # docs/fine-tuning.csv -> table and docs/fine-tuning.svg

CIFAR: the folder of CIFAR-10's binary files. WORK: a folder for the runs; what is finished there is not run again. Every
run of a number of labels takes the same steps of the same batch, so that fine-tuning and training from scratch at one
picture size take the same time. Nothing is chosen by the test part: the rates come from `python3 bench/fine_tuning.py
choose TESSERA CIFAR WORK`, which learns from and validates on a draw of training pictures of its own.
"""

import csv
import json
import math
import pathlib
import resource
import statistics
import subprocess
import sys

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
RECIPES = DOCS.parent / "recipes"
OTHERS = "dog,frog,horse,ship,truck"
LABELS, SEEDS = (10, 50, 250), (0, 1, 2)
ONE_THREAD = ["--threads", "1", "--loader-threads", "1"]
ALL = ["--recipe", str(RECIPES / "finetune_all.toml")]


def tuned(way):
    return ["--recipe", str(RECIPES / f"finetune_{way}.toml"), "--from", "PRE"]


SCRATCH = [*ALL, "--model", "vit_cifar", "--layer-decay", "1"]
# In the order of the table.
ARMS = {
    "fine-tuned, 48 px": tuned("48px"),
    "fine-tuned, 32 px": tuned("all"),
    "last 2 blocks, 32 px": tuned("blocks"),
    "norms and biases, 32 px": tuned("norm_bias"),
    "linear probe, 32 px": tuned("head"),
    "from scratch, 48 px": [*SCRATCH, "--img-size", "48"],
    "from scratch, 32 px": SCRATCH,
}
LONG = "from scratch, 32 px, ten times the steps"
CHOICES = {
    **{f"fine-tuned lr {lr}": [*ARMS["fine-tuned, 32 px"], "--lr", lr] for lr in ("1e-4", "3e-4", "1e-3", "2e-3")},
    **{f"linear probe lr {lr}": [*ARMS["linear probe, 32 px"], "--lr", lr] for lr in ("2e-3", "5e-3", "1e-2", "3e-2")},
    **{f"norms and biases lr {lr}": [*ARMS["norms and biases, 32 px"], "--lr", lr] for lr in ("1e-3", "2e-3", "5e-3")},
    **{f"from scratch lr {lr}": [*SCRATCH, "--lr", lr] for lr in ("5e-4", "1e-3", "2e-3")},
}


def train(program, data, folder, options):
    """Trains into `folder` unless that is done; the run's record, with the seconds of processor time that it took."""
    cost = folder / "cpu_seconds"
    if not cost.exists():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [program, "train", "--data", data, "--out", str(folder), "--resume", *ONE_THREAD, *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cost.write_text(str(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    record = json.loads((folder / "run.json").read_text())
    scores = {score["split"]: score["accuracy"] for score in record["scores"]}
    return scores, float(cost.read_text()), record


def run(program, data, work):
    pre = work / "pretrained"
    if not (pre / "model.safetensors").exists():
        train(program, data, pre, ["--recipe", str(RECIPES / "cifar10_first5.toml")])
    rows = []
    runs = [(seed, labels, arm, "200") for seed in SEEDS for labels in LABELS for arm in ARMS]
    runs.append((0, LABELS[-1], LONG, "2000"))
    for seed, labels, arm, steps in runs:
        options = [str(pre) if o == "PRE" else o for o in ARMS.get(arm, SCRATCH)]
        name = f"{labels} {arm} {seed}".replace(",", "").replace(" ", "-")
        scores, seconds, record = train(program, data, work / name, [
            *options, "--classes", OTHERS, "--per-class", str(labels), "--seed", str(seed),
            "--steps", steps])  # fmt: skip
        rows.append([arm, labels, seed, record["step"], f"{scores['test']:.4f}", f"{seconds:.1f}"])
        print(*rows[-1], sep=",", flush=True)
        with open(DOCS / "fine-tuning.csv", "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(
                [["arm", "labels_per_class", "seed", "steps", "test_accuracy", "cpu_seconds"], *rows])  # fmt: skip


def choose(program, data, work):
    """50 labels of each class and 250 others of each to validate on, of a seed that the study does not use."""
    for choice, options in CHOICES.items():
        accuracies = []
        for seed in (100,):
            options = [str(work / "pretrained") if o == "PRE" else o for o in options]
            scores, _, _ = train(program, data, work / f"{choice}-{seed}".replace(" ", "-"), [
                *options, "--classes", OTHERS, "--per-class", "300", "--val-fraction", "0.83334", "--seed", str(seed),
                "--eval-every", "1000000"])  # fmt: skip
            accuracies.append(scores["val"])
        print(choice, *accuracies, f"mean {statistics.mean(accuracies):.4f}", flush=True)


def table(rows):
    print("| | " + " | ".join(f"{labels} per class" for labels in LABELS) + " | core-seconds |")
    print("|---|" + "---|" * (len(LABELS) + 1))
    for arm in [*ARMS, LONG]:
        cells = []
        for labels in LABELS:
            found = [row["y"] for row in rows if (row["arm"], row["x"]) == (arm, labels)]
            spread = f" ± {statistics.stdev(found):.1f}" if len(found) > 1 else ""
            cells.append(f"{statistics.mean(found):.1f}{spread}" if found else "")
        seconds = [float(row["cpu_seconds"]) for row in rows if row["arm"] == arm]
        if seconds:
            print(f"| {arm} | " + " | ".join(cells) + f" | {statistics.median(seconds):.0f} |")


def plot(rows):
    """One line an arm: the mean over the seeds, and a bar from the worst to the best."""
    drawn = {"fine-tuned, 48 px": "#0b5fa5", "fine-tuned, 32 px": "#3f9ae0", "linear probe, 32 px": "#2e9e6b",
             "from scratch, 48 px": "#a5510b", "from scratch, 32 px": "#e0903f"}  # fmt: skip
    low, high, left, right, top, bottom = 20, 90, 50, 430, 20, 290
    at_x = lambda labels: left + 30 + (right - left - 60) * math.log(labels / 10) / math.log(25)
    at_y = lambda y: bottom - (bottom - top) * (y - low) / (high - low)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 330" font-family="sans-serif" font-size="12">',
           '<rect width="600" height="330" fill="#fff"/>']  # fmt: skip
    for y in range(low, high + 1, 10):
        out.append(f'<path d="M{left} {at_y(y):.1f}H{right}" stroke="#ddd"/>'
                   f'<text x="{left - 8}" y="{at_y(y) + 4:.1f}" text-anchor="end" fill="#555">{y} %</text>')  # fmt: skip
    for labels in LABELS:
        out.append(f'<text x="{at_x(labels):.1f}" y="{bottom + 18}" text-anchor="middle" fill="#555">{labels}</text>')
    out.append(f'<text x="{(left + right) / 2}" y="{bottom + 34}" text-anchor="middle" fill="#555">'
               "labelled pictures of each of five classes</text>")  # fmt: skip
    ends = []
    for i, (arm, colour) in enumerate(drawn.items()):
        points = []
        for labels in LABELS:
            found = [row["y"] for row in rows if (row["arm"], row["x"]) == (arm, labels)]
            if not found:
                continue
            x = at_x(labels) + 3 * (i - 2)
            points.append((x, at_y(statistics.mean(found))))
            out.append(f'<path d="M{x:.1f} {at_y(min(found)):.1f}V{at_y(max(found)):.1f}" stroke="{colour}"/>')
            out.append(f'<circle cx="{x:.1f}" cy="{points[-1][1]:.1f}" r="3" fill="{colour}"/>')
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        ends.append([points[-1][1], arm, colour])
    ends.sort()
    for i, (y, arm, colour) in enumerate(ends):  # names at the lines' ends, none over another
        ends[i][0] = max(y, ends[i - 1][0] + 15) if i else y
        out.append(f'<text x="{right + 6}" y="{ends[i][0] + 4:.1f}" fill="{colour}">{arm}</text>')
    (DOCS / "fine-tuning.svg").write_text("\n".join([*out, "</svg>\n"]))


def draw():
    rows = list(csv.DictReader(open(DOCS / "fine-tuning.csv")))
    for row in rows:
        row["x"], row["y"] = int(row["labels_per_class"]), 100 * float(row["test_accuracy"])
    table(rows)
    plot(rows)


if __name__ == "__main__":
    if sys.argv[1:] == ["draw"]:
        draw()
    elif len(sys.argv) == 5 and sys.argv[1] in ("run", "choose"):
        {"run": run, "choose": choose}[sys.argv[1]](sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4]))
    else:
        sys.exit(__doc__)
