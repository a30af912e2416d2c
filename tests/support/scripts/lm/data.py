"""The corpus: a file for training and one for validation, letter by letter."""

import os

import torch


class Corpus:
    def __init__(self, path):
        texts = {}
        for part in ("train", "valid"):
            with open(os.path.join(path, part + ".txt"), encoding="utf8") as file:
                texts[part] = file.read()
        self.symbols = sorted(set("".join(texts.values())))
        numbers = {symbol: at for at, symbol in enumerate(self.symbols)}
        self.train = torch.tensor([numbers[symbol] for symbol in texts["train"]])
        self.valid = torch.tensor([numbers[symbol] for symbol in texts["valid"]])
