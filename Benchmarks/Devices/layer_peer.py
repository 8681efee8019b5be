"""Forward and backward of one mixture-of-experts layer in PyTorch, for comparison: a loop over experts, and grouped products where this version has them.

Arguments: tokens, model dimension, hidden dimension, experts, choices per token, steps. Prints one JSON object per variant: name and median milliseconds.
"""
import json
import statistics
import sys

import torch

tokens, dim, hidden, experts, top_k, steps = map(int, sys.argv[1:])
device = torch.device("cuda")


def route(x, router):
    scores = torch.softmax(x.float() @ router.float(), dim=-1)
    weights, choices = scores.topk(top_k, dim=-1)
    order = choices.flatten().argsort(stable=True)
    return weights, order, torch.bincount(choices.flatten(), minlength=experts)


def loop(rows, counts, w1, b1, w2, b2):
    parts = rows.split(counts.tolist())
    return torch.cat([torch.nn.functional.gelu(part @ w1[e] + b1[e]) @ w2[e] + b2[e] for e, part in enumerate(parts)])


def grouped(rows, counts, w1, b1, w2, b2):
    offsets = counts.cumsum(0).to(torch.int32)
    owner = torch.repeat_interleave(torch.arange(experts, device=device), counts)
    inner = torch.nn.functional.gelu(torch._grouped_mm(rows, w1, offs=offsets) + b1[owner])
    return torch._grouped_mm(inner, w2, offs=offsets) + b2[owner]


def measure(name, dtype, experts_of, tf32):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.manual_seed(1)
    make = lambda *shape, scale: (torch.randn(*shape, device=device) * scale).to(dtype).requires_grad_()
    x, router = make(tokens, dim, scale=1.0), make(dim, experts, scale=dim**-0.5)
    w1, b1 = make(experts, dim, hidden, scale=dim**-0.5), make(experts, hidden, scale=0.0)
    w2, b2 = make(experts, hidden, dim, scale=hidden**-0.5), make(experts, dim, scale=0.0)
    gradient = torch.randn(tokens, dim, device=device).to(dtype) / tokens

    def step():
        weights, order, counts = route(x, router)
        rows = x[order // top_k]
        back = torch.empty_like(order)
        back[order] = torch.arange(order.numel(), device=device)
        out = experts_of(rows, counts, w1, b1, w2, b2)[back].view(tokens, top_k, dim)
        y = (out * weights.to(dtype).unsqueeze(-1)).sum(1)
        y.backward(gradient)

    times = []
    for i in range(steps + 3):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()
        start.record()
        step()
        end.record()
        torch.cuda.synchronize()
        if i >= 3:
            times.append(start.elapsed_time(end))
    print(json.dumps({"name": name, "milliseconds": statistics.median(times), "torch": torch.__version__}), flush=True)


measure("loop over experts, F32", torch.float32, loop, tf32=False)
measure("loop over experts, TF32", torch.float32, loop, tf32=True)
measure("loop over experts, BF16", torch.bfloat16, loop, tf32=True)
if hasattr(torch, "_grouped_mm"):
    measure("grouped products, BF16", torch.bfloat16, grouped, tf32=True)
