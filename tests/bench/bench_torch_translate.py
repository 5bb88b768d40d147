"""The network of bench_translate.c in PyTorch: least seconds of a training step, and memory.

Usage: bench_torch_translate.py THREADS STEPS; prints "torch-VERSION SECONDS BYTES".
"""
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

B, T, V, E, H = 64, 20, 8000, 256, 512


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.source = nn.Embedding(V, E)
        self.target = nn.Embedding(V, E)
        self.encoder = nn.LSTM(E, H // 2, 2, batch_first=True, bidirectional=True, dropout=0.2)
        self.bridge = nn.Linear(H, 4 * H)
        self.first = nn.LSTM(E, H, batch_first=True)
        self.second = nn.LSTM(2 * H, H, batch_first=True)
        self.query = nn.Linear(H, H, bias=False)
        self.key = nn.Linear(H, H, bias=False)
        self.out = nn.Linear(2 * H, E)
        self.bias = nn.Parameter(torch.zeros(V))

    def forward(self, x, y):
        memory, _ = self.encoder(F.dropout(self.source(x), 0.2))
        state = torch.tanh(self.bridge(memory.mean(1))).view(B, 4, H).transpose(0, 1).contiguous()
        h, _ = self.first(F.dropout(self.target(y), 0.2), (state[:1], state[1:2]))
        score = self.query(h) @ self.key(memory).transpose(1, 2) / H**0.5
        context = F.dropout(score.softmax(-1) @ memory, 0.2)
        above, _ = self.second(torch.cat([h, context], -1), (state[2:3], state[3:]))
        h = h + F.dropout(above, 0.2)
        x = F.dropout(torch.tanh(self.out(torch.cat([h, context], -1))), 0.2)
        return F.linear(x, self.target.weight, self.bias)


def main():
    threads, steps = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.9, 0.98), foreach=True)
    weights = list(net.parameters())
    average = [w.detach().clone() for w in weights]
    x, y = torch.randint(V, (B, T)), torch.randint(V, (B, T))
    clock = time.process_time if threads == 1 else time.perf_counter
    best = None
    for step in range(steps + 2):
        start = clock()
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(net(x, y).view(-1, V), y.view(-1), label_smoothing=0.1).backward()
        nn.utils.clip_grad_norm_(weights, 1)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_mul_(average, 0.999)
            torch._foreach_add_(average, weights, alpha=0.001)
        seconds = clock() - start
        if step >= 2 and (best is None or seconds < best):
            best = seconds
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print("torch-" + torch.__version__, best, memory)


main()
