#!/usr/bin/env python3
"""PyTorch's side of the benchmark: told a workload and a duration on stdin, answers how many repetitions it made.

    torch_step.py THREADS [cpu|cuda]    # 0: as many as PyTorch takes by itself

One JSON object per line each way: {"workload": "logistic", "seconds": 0.5} → {"count": 9000, "seconds": 0.5001}.
Training is written as one would by hand for speed: the data set is a tensor, a batch is rows of it in shuffled order
(no DataLoader), the loss is summed on the device and read once per epoch.
"""

import json
import sys
import time

try:
    import torch
    from torch import nn
except ImportError as error:
    print(json.dumps({"error": str(error)}), flush=True)
    sys.exit(0)

ROWS = 1024


def logistic(fused={}, compiled=False):
    model = nn.Sequential(nn.Linear(16, 1), nn.Sigmoid())
    targets = torch.randint(0, 2, (ROWS, 1)).float()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, **fused)
    return training(model, torch.rand(ROWS, 16), targets, nn.BCELoss(), optimizer, 32, compiled)


def mlp(fused={}, compiled=False):
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
    targets = torch.randint(0, 3, (ROWS,))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, **fused)
    return training(model, torch.randn(ROWS, 20), targets, nn.CrossEntropyLoss(), optimizer, 32, compiled)


def digits_mlp(fused={}):
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, **fused)
    return training(model, torch.randn(ROWS, 784), torch.randint(0, 10, (ROWS,)), nn.CrossEntropyLoss(), optimizer, 64)


def cnn(fused={}):
    first = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    model = nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(32 * 49, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, **fused)
    images, targets = torch.randn(ROWS, 1, 28, 28), torch.randint(0, 10, (ROWS,))
    return training(model, images, targets, nn.CrossEntropyLoss(), optimizer, 64)


def wide():
    model = nn.Sequential(nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return training(model, torch.randn(ROWS, 1024), torch.randint(0, 10, (ROWS,)), nn.CrossEntropyLoss(), optimizer, 256)


def wide_4096():
    rows = 8192
    model = nn.Sequential(nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return training(model, torch.randn(rows, 4096), torch.randint(0, 10, (rows,)), nn.CrossEntropyLoss(), optimizer, 512)


def training(model, inputs, targets, loss_function, optimizer, batch, compiled=False):
    loss_of = lambda x, y: loss_function(model(x), y)
    update = optimizer.step
    if compiled:
        loss_of, update = torch.compile(loss_of), torch.compile(update)

    def steps():
        while True:
            order = torch.randperm(len(inputs))
            total = torch.zeros(())
            for start in range(0, len(inputs), batch):
                rows = order[start : start + batch]
                optimizer.zero_grad(set_to_none=True)
                loss = loss_of(inputs[rows], targets[rows])
                loss.backward()
                update()
                total += loss.detach()
                yield
            total.item()

    return steps().__next__


def matmul():
    a, b = torch.randn(512, 512), torch.randn(512, 512)
    out = torch.empty(512, 512)
    return lambda: torch.mm(a, b, out=out)


def elementwise(function):
    x, out = torch.rand(1 << 18), torch.empty(1 << 18)
    return lambda: function(x, out=out)


WORKLOADS = {
    "logistic": logistic,
    "logistic-fused": lambda: logistic({"fused": True}),
    "logistic-compiled": lambda: logistic(compiled=True),
    "mlp": mlp,
    "mlp-fused": lambda: mlp({"fused": True}),
    "mlp-compiled": lambda: mlp(compiled=True),
    "digits-mlp": digits_mlp,
    "digits-mlp-fused": lambda: digits_mlp({"fused": True}),
    "cnn": cnn,
    "cnn-fused": lambda: cnn({"fused": True}),
    "wide": wide,
    "wide-4096": wide_4096,
    "matmul": matmul,
    "exp": lambda: elementwise(torch.exp),
    "tanh": lambda: elementwise(torch.tanh),
    "add": lambda: elementwise(lambda x, out: torch.add(x, x, out=out)),
}


def repeat(step, seconds):
    start = now = time.perf_counter()
    count = 0
    while now - start < seconds:
        step()
        count += 1
        now = time.perf_counter()
    if torch.cuda.is_initialized():
        # What is queued is not done.
        torch.cuda.synchronize()
        now = time.perf_counter()
    return {"count": count, "seconds": now - start}


def main():
    if int(sys.argv[1]):
        torch.set_num_threads(int(sys.argv[1]))
    about = {"version": torch.__version__.split("+")[0], "threads": torch.get_num_threads()}
    if sys.argv[2:] == ["cuda"]:
        if not torch.cuda.is_available():
            print(json.dumps({"error": f"PyTorch {about['version']} finds no GPU"}), flush=True)
            return
        torch.set_default_device("cuda")
        about["device"] = torch.cuda.get_device_name()
    torch.manual_seed(0)
    print(json.dumps(about), flush=True)
    made = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["workload"]
        try:
            if name not in made:
                made[name] = WORKLOADS[name]()
            answer = repeat(made[name], request["seconds"])
        except (AttributeError, TypeError, RuntimeError) as error:
            # An older PyTorch has no fused optimizers for the CPU and no torch.compile, which also wants a C++ compiler.
            answer = {"error": str(error).splitlines()[0]}
        print(json.dumps(answer), flush=True)


main()
