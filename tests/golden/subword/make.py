#!/usr/bin/env python3
"""Makes the codes and units in this folder by the plainest possible byte-pair learner, which recounts all pairs
after every merge (Sennrich et al. 2016; the file format of subword-nmt 0.2, ties to the greatest pair).

    make.py TEXT MERGES LEAST_COUNT CODES [TEXT UNITS]...

    make.py bpe-text.txt 600 2 bpe-600.codes ../ref.txt ref.bpe ../hyp2.txt hyp2.bpe
    make.py bpe-text.txt 300 5 bpe-300-min5.codes

On other texts it was compared with the files that subword-nmt itself wrote: equal byte for byte.
"""
import collections
import sys


def read(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return [line.strip("\r\n ").split(" ") for line in file]


def signs(word):
    return list(word[:-1]) + [word[-1] + "</w>"]


def merge(word, pair):
    out = []
    while word:
        joined = tuple(word[:2]) == pair
        out.append(word[0] + word[1] if joined else word[0])
        word = word[1 + joined:]
    return out


def learn(lines, merges, least):
    words = collections.Counter(word for line in lines for word in line if word)
    table = {word: signs(word) for word in words}
    codes = []
    for _ in range(merges):
        pairs = collections.Counter()
        for word, parts in table.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += words[word]
        best = max(pairs, key=lambda pair: (pairs[pair], pair), default=None)
        if best is None or pairs[best] < least:
            break
        codes.append(best)
        table = {word: merge(parts, best) for word, parts in table.items()}
    return codes


def apply(codes, word):
    rank = {pair: i for i, pair in enumerate(codes)}
    parts = signs(word)
    while len(parts) > 1:
        best = min(zip(parts, parts[1:]), key=lambda pair: rank.get(pair, len(codes)))
        if best not in rank:
            break
        parts = merge(parts, best)
    return "@@ ".join(part for part in parts if part != "</w>").replace("</w>", "")


def main():
    text, merges, least, path = sys.argv[1:5]
    codes = learn(read(text), int(merges), int(least))
    with open(path, "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in codes))
    for text, units in zip(sys.argv[5::2], sys.argv[6::2]):
        with open(units, "w", encoding="utf-8") as file:
            for line in read(text):
                file.write(" ".join(apply(codes, word) if word else "" for word in line) + "\n")


main()
