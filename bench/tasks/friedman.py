"""A regression with a known answer (Friedman: Multivariate adaptive regression splines, 1991, 4.3)."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset


def add_arguments(parser):
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--hidden", type=int, default=64)


def dataset(args):
    """Ten inputs, of which five matter; the target has a mean of 0 and a variance of 1, 4% of it noise."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(args.count, 10, generator=generator)
    y = 10 * torch.sin(torch.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    y = y + torch.randn(args.count, generator=generator)
    return TensorDataset(x - 0.5, (y - y.mean()) / y.std())


def model(args, hp):
    return nn.Sequential(
        nn.Linear(10, args.hidden),
        nn.ReLU(),
        nn.Dropout(hp["dropout"]),
        nn.Linear(args.hidden, args.hidden),
        nn.ReLU(),
        nn.Linear(args.hidden, 1),
    )


def loss(model, batch):
    x, y = batch
    return F.mse_loss(model(x).squeeze(1), y)
