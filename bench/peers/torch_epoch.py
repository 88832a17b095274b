#!/usr/bin/env python3
"""How long an epoch of a network takes in PyTorch: told the network on stdin as JSON, answers seconds by threads.

    {"layers": […], "loss": …, "optimizer": …, "batch_size": 32, "rows": 1000, "input_shape": [1, 8, 8], …}
    → {"PyTorch 2.13.0, 1 thread": 1.2, "PyTorch 2.13.0, 2 threads": 0.9}

Numbers are random: time does not depend on them. A few seconds of steps are measured and taken times the steps.
"""

import json
import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts/fixtures"))

try:
    import torch
except ImportError as error:
    print(json.dumps({"error": str(error)}), flush=True)
    sys.exit(0)

from torch import nn

from torch_layers import build_model
from torch_training import build_loss
from torch_updates import build_optimizer

SECONDS = 4


def step_of(spec):
    size = min(spec["batch_size"], spec["rows"])
    shape = [size, *spec["input_shape"]]
    model = build_model(spec["layers"])
    x = torch.zeros(shape) if spec["whole"] else torch.rand(shape)
    y = torch.zeros([size, *spec["target_shape"]], dtype=torch.long)
    loss_function = build_loss(spec["loss"], torch.float32)
    optimizer = build_optimizer(spec["optimizer"], model.parameters())

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss_function(model(x), y).backward()
        if spec["clip_grad_norm"]:
            nn.utils.clip_grad_norm_(model.parameters(), spec["clip_grad_norm"])
        optimizer.step()

    return step


def seconds_per_step(step):
    for _ in range(3):
        step()
    start = now = time.perf_counter()
    count = 0
    while now - start < SECONDS:
        step()
        count += 1
        now = time.perf_counter()
    return (now - start) / count


def main():
    spec = json.load(sys.stdin)
    steps = math.ceil(spec["rows"] / spec["batch_size"])
    answer = {}
    all_threads = torch.get_num_threads()
    for threads in sorted({1, all_threads}):
        torch.set_num_threads(threads)
        name = f"PyTorch {torch.__version__.split('+')[0]}, {threads} {'thread' if threads == 1 else 'threads'}"
        answer[name] = steps * seconds_per_step(step_of(spec))
    print(json.dumps(answer))


main()
