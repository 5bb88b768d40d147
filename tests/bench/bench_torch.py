"""The tagger's network in PyTorch, as good as PyTorch lets it be: bench_tag's peer.

    bench_torch.py CASES.json

Says what it is, then reads "train THREADS" or "tag THREADS" and answers with the seconds of every
batch of that list (on one thread: of processor time), and with the peak memory of this process.

Batches are laid out in packed time-major order beforehand, so neither padding nor packing is paid
for here; making the indices is not timed either. Letters are run once for every distinct form.
"""
import ctypes
import json
import resource
import sys
import time

try:
    import torch
except ImportError:
    print("absent: python3-torch is not installed")
    sys.exit()
from torch import nn
from torch.nn.functional import cross_entropy, dropout
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

AFFIXES = 8


def set_threads(threads):
    torch.set_num_threads(threads)
    try:
        ctypes.CDLL("libopenblas.so.0").openblas_set_num_threads(threads)
    except (OSError, AttributeError):
        pass


def numbers(limit, *shape):
    return torch.randint(0, limit, shape)


class Batch:
    """Random ids in the shape of a case. N words in time-major order, U distinct forms."""

    def __init__(self, net, case):
        lengths, unique = case["lengths"], case["unique"]
        order = sorted(range(len(lengths)), key=lambda b: -lengths[b])
        start = [sum(lengths[:b]) for b in range(len(lengths))]
        live = [sum(n > t for n in lengths) for t in range(max(lengths))]
        rows = [unique[start[b] + t] for t, n in enumerate(live) for b in order[:n]]
        self.words, self.forms = len(rows), len(case["letters"])
        self.live = torch.tensor(live)
        self.unique = torch.tensor(rows)
        self.form = numbers(net["forms"], self.forms)[self.unique]
        self.affix = numbers(net["affixes"], self.forms, AFFIXES)
        self.vector = numbers(max(net["vectors"], 1), self.forms)
        self.letter_count = torch.tensor(case["letters"])
        self.letter = numbers(net["letters"], max(case["letters"]), self.forms)
        self.label = [numbers(h["labels"], self.words) for h in net["heads"]]
        self.value = [
            [numbers(b - a, self.words) for a, b in zip(h["groups"], h["groups"][1:])]
            for h in net["heads"]
        ]


class Tagger(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
        hidden = net["hidden"]
        self.form = nn.Embedding(net["forms"], net["form_dim"])
        self.char = nn.Embedding(net["letters"], net["char_dim"])
        self.char_rnn = nn.LSTM(net["char_dim"], net["char_hidden"], bidirectional=True)
        inputs = net["form_dim"] + 2 * net["char_hidden"]
        if net["affix_dim"]:
            self.affix = nn.Embedding(net["affixes"], net["affix_dim"])
            inputs += AFFIXES * net["affix_dim"]
        if net["vectors"]:
            self.vector = nn.Embedding(net["vectors"], net["vector_dim"])
            self.vector_map = nn.Linear(net["vector_dim"], net["form_dim"], bias=False)
            inputs += net["form_dim"]
        self.rnn = nn.ModuleList(
            nn.LSTM(2 * hidden if i else inputs, hidden, bidirectional=True)
            for i in range(net["layers"])
        )
        self.heads = nn.ModuleList(nn.Linear(2 * hidden, h["labels"]) for h in net["heads"])
        self.groups = nn.ModuleList(
            nn.Linear(2 * hidden, h["groups"][-1]) if h["groups"][-1] else nn.Identity()
            for h in net["heads"]
        )

    def letters(self, b):
        x = self.char(b.letter)
        if b.letter_count.min() < len(b.letter):
            x = pack_padded_sequence(x, b.letter_count, enforce_sorted=False)
        _, (last, _) = self.char_rnn(x)
        return last.transpose(0, 1).flatten(1)

    def inputs(self, b):
        parts = [self.letters(b)]
        if self.net["affix_dim"]:
            parts.append(self.affix(b.affix).flatten(1))
        if self.net["vectors"]:
            parts.append(self.vector_map(self.vector(b.vector)))
        return torch.cat([self.form(b.form), torch.cat(parts, 1)[b.unique]], 1)

    def states(self, b):
        p = self.net["dropout"]
        x = dropout(self.inputs(b), p, self.training)
        for i, rnn in enumerate(self.rnn):
            given = dropout(x, p, self.training) if i else x
            y = rnn(PackedSequence(given, b.live))[0].data
            x = x + y if i and self.net["residual"] else y
        return dropout(x, p, self.training)

    def loss(self, b):
        x, total = self.states(b), 0
        for i, (head, groups) in enumerate(zip(self.heads, self.groups)):
            total = total + cross_entropy(head(x), b.label[i], reduction="sum")
            if b.value[i]:
                for score, gold in zip(groups(x).split(self.sizes(i), 1), b.value[i]):
                    total = total + cross_entropy(score, gold, reduction="sum")
        return total / b.words

    def sizes(self, i):
        groups = self.net["heads"][i]["groups"]
        return [b - a for a, b in zip(groups, groups[1:])]

    def tag(self, b):
        x = self.states(b)
        for i, (head, groups) in enumerate(zip(self.heads, self.groups)):
            head(x).softmax(1).max(1)
            if b.value[i]:
                for score in groups(x).split(self.sizes(i), 1):
                    score.softmax(1).max(1)


class Trainer:
    def __init__(self, model):
        self.model = model
        self.weights = list(model.parameters())
        self.average = [w.detach().clone() for w in self.weights]
        self.optimizer = torch.optim.AdamW(
            self.weights, lr=2e-3, betas=(0.9, 0.98), weight_decay=0.01, foreach=True
        )

    def step(self, batch):
        self.optimizer.zero_grad(set_to_none=True)
        self.model.loss(batch).backward()
        nn.utils.clip_grad_norm_(self.weights, 5)
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_mul_(self.average, 0.9995)
            torch._foreach_add_(self.average, self.weights, alpha=0.0005)


def timed(clock, work, batch):
    start = clock()
    work(batch)
    return clock() - start


def main():
    with open(sys.argv[1]) as file:
        net = json.load(file)
    if not net["lstm"] or not net["chars"] or net["norm"]:
        print("absent: it has no such network")
        return
    model = Tagger(net)
    trainer = Trainer(model)
    batches = {kind: [Batch(net, case) for case in net.get(kind, [])] for kind in ("train", "tag")}
    print("torch", torch.__version__, flush=True)
    for line in sys.stdin:
        kind, threads = line.split()
        set_threads(int(threads))
        model.train(kind == "train")
        with torch.set_grad_enabled(kind == "train"):
            work = trainer.step if kind == "train" else model.tag
            clock = time.process_time if threads == "1" else time.perf_counter
            seconds = [timed(clock, work, batch) for batch in batches[kind]]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(*("%.6f" % s for s in seconds), memory, flush=True)


main()
