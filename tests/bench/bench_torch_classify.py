"""The classifier's network in PyTorch, for bench_classify.sh: word vectors 300, BiLSTM 200 each way,
max and attention pooling, dropout 0.5, smoothing 0.1, AdamW; batches of 50 texts of like length.
Prints processor seconds of training, of labelling dev ten times, and the accuracy."""
import random
import sys
import time

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_num_threads(1)
torch.manual_seed(1)
random.seed(1)


def read(path):
    rows = [line.rstrip("\n").split("\t", 1) for line in open(path, encoding="utf-8")]
    return [(label, text.lower().split()) for label, text in rows]


train, dev = read(sys.argv[1]), read(sys.argv[2])
count = {}
for _, words in train:
    for word in words:
        count[word] = count.get(word, 0) + 1
ids = {word: i + 2 for i, word in enumerate(w for w in count if count[w] > 1)}
labels = {label: i for i, label in enumerate(sorted({label for label, _ in train}))}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(ids) + 2, 300, padding_idx=0)
        nn.init.normal_(self.embed.weight, std=0.1)
        self.rnn = nn.LSTM(300, 200, bidirectional=True, batch_first=True)
        self.attention, self.score = nn.Linear(400, 200), nn.Linear(200, 1, bias=False)
        self.head, self.drop = nn.Linear(800, len(labels)), nn.Dropout(0.5)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.drop(self.embed(x)), lengths, True, False)
        y, _ = pad_packed_sequence(self.rnn(packed)[0], True)
        hidden = (torch.arange(y.shape[1])[None] >= lengths[:, None])[..., None]
        weight = self.score(torch.tanh(self.attention(y))).masked_fill(hidden, -1e9).softmax(1)
        both = torch.cat([y.masked_fill(hidden, -1e9).amax(1), (weight * y).sum(1)], 1)
        return self.head(self.drop(both))


def batches(rows, shuffle):
    order = list(range(len(rows)))
    if shuffle:
        random.shuffle(order)
    parts = [sorted(order[i:i + 800], key=lambda k: len(rows[k][1])) for i in range(0, len(order), 800)]
    cut = [part[i:i + 50] for part in parts for i in range(0, len(part), 50)]
    if shuffle:
        random.shuffle(cut)
    for batch in cut:
        words = [[ids.get(w, 1) for w in rows[k][1]] or [1] for k in batch]
        lengths = torch.tensor([len(w) for w in words])
        x = torch.zeros(len(batch), int(lengths.max()), dtype=torch.long)
        for i, w in enumerate(words):
            x[i, :len(w)] = torch.tensor(w)
        yield x, lengths, torch.tensor([labels.get(rows[k][0], -1) for k in batch])


net, epochs = Net(), int(sys.argv[3])
optim = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=0.01)
loss = nn.CrossEntropyLoss(label_smoothing=0.1)
start = time.process_time()
for _ in range(epochs):
    for x, lengths, y in batches(train, True):
        optim.zero_grad()
        loss(net(x, lengths), y).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5)
        optim.step()
learn = time.process_time() - start
net.eval()
start = time.process_time()
with torch.no_grad():
    for _ in range(10):
        right = sum((net(x, n).argmax(1) == y).sum().item() for x, n, y in batches(dev, False))
print(learn, time.process_time() - start, right / len(dev))
