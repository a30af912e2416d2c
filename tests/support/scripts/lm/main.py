"""A character model in the style of the word-language-model example: a table of lines on standard output."""

import argparse
import math
import time

import torch
from torch import nn

import data

parser = argparse.ArgumentParser(description="A small recurrent language model")
parser.add_argument("--data", type=str, default="./data/text", help="location of the corpus")
parser.add_argument("--emsize", type=int, default=16, help="size of embeddings")
parser.add_argument("--nhid", type=int, default=24, help="hidden units per layer")
parser.add_argument("--lr", type=float, default=20.0, help="initial learning rate")
parser.add_argument("--clip", type=float, default=0.25, help="gradient clipping")
parser.add_argument("--epochs", type=int, default=40, help="upper epoch limit")
parser.add_argument("--batch_size", type=int, default=20, metavar="N", help="batch size")
parser.add_argument("--bptt", type=int, default=16, help="sequence length")
parser.add_argument("--dropout", type=float, default=0.2, help="dropout applied to layers (0 = no dropout)")
parser.add_argument("--tied", action="store_true", help="tie the word embedding and softmax weights")
parser.add_argument("--seed", type=int, default=1111, help="random seed")
parser.add_argument("--log-interval", type=int, default=20, metavar="N", help="report interval")
parser.add_argument("--save", type=str, default="model.pt", help="path to save the final model")


class Model(nn.Module):
    def __init__(self, tokens, args):
        super().__init__()
        size = args.nhid if args.tied else args.emsize
        self.drop = nn.Dropout(args.dropout)
        self.encoder = nn.Embedding(tokens, size)
        self.rnn = nn.GRU(size, args.nhid)
        self.decoder = nn.Linear(args.nhid, tokens)
        if args.tied:
            self.decoder.weight = self.encoder.weight

    def forward(self, given):
        output, _ = self.rnn(self.drop(self.encoder(given)))
        return self.decoder(self.drop(output)).flatten(0, 1)


def batchify(tokens, count):
    return tokens[: len(tokens) // count * count].view(count, -1).t().contiguous()


def pieces(source, bptt):
    for at in range(0, len(source) - 1, bptt):
        length = min(bptt, len(source) - 1 - at)
        yield source[at : at + length], source[at + 1 : at + 1 + length].reshape(-1)


def evaluate(model, source, args):
    model.eval()
    total = 0.0
    with torch.no_grad():
        for given, wanted in pieces(source, args.bptt):
            total += len(given) * nn.functional.cross_entropy(model(given), wanted).item()
    return total / (len(source) - 1)


def train(model, source, epoch, lr, args):
    model.train()
    total, start = 0.0, time.time()
    parts = list(pieces(source, args.bptt))
    for at, (given, wanted) in enumerate(parts, start=1):
        model.zero_grad()
        loss = nn.functional.cross_entropy(model(given), wanted)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-lr)
        total += loss.item()
        if at % args.log_interval == 0:
            mean, spent = total / args.log_interval, time.time() - start
            print(
                f"| epoch {epoch:3d} | {at:5d}/{len(parts):5d} batches | lr {lr:02.2f} | "
                f"ms/batch {spent * 1000 / args.log_interval:5.2f} | loss {mean:5.2f} | ppl {math.exp(mean):8.2f}"
            )
            total, start = 0.0, time.time()


def main():
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    corpus = data.Corpus(args.data)
    train_data, valid_data = batchify(corpus.train, args.batch_size), batchify(corpus.valid, 10)
    model = Model(len(corpus.symbols), args)
    lr, best = args.lr, None
    for epoch in range(1, args.epochs + 1):
        start = time.time()
        train(model, train_data, epoch, lr, args)
        loss = evaluate(model, valid_data, args)
        print("-" * 89)
        print(
            f"| end of epoch {epoch:3d} | time: {time.time() - start:5.2f}s | valid loss {loss:5.4f} | "
            f"valid ppl {math.exp(loss):8.2f}"
        )
        print("-" * 89)
        if best is None or loss < best:
            with open(args.save, "wb") as file:
                torch.save(model.state_dict(), file)
            best = loss
        else:
            lr /= 4.0
    print("=" * 89)
    print(f"| End of training | best loss {best:5.2f}")


if __name__ == "__main__":
    main()
