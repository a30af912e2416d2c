"""Handwritten digits, 8 x 8 pixels: the task that the ready roadmaps train.

The engine finds these functions by name and passes each the parameters that it asks for. Nothing here
belongs to the engine: a task is plain PyTorch.
"""

import importlib.util
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset


def add_arguments(parser):
    """What is the same for every trial; `[task] args` in the roadmap sets it."""
    parser.add_argument("--hidden", type=int, default=64, help="units of the hidden layer")
    parser.add_argument("--held-out", type=int, default=300, help="digits kept for a last test")


def dataset(args):
    """All that may be trained on. The engine holds out a part of it for validation."""
    images, labels = read_digits()
    seen = len(labels) - args.held_out
    return TensorDataset(images[:seen], labels[:seen])


def test_set(args):
    """The digits that were held out, for a test of the final weights. The engine never asks for it."""
    images, labels = read_digits()
    seen = len(labels) - args.held_out
    return TensorDataset(images[seen:], labels[seen:])


def model(args, hp):
    """A small network. `hp` is the set-up of this trial."""
    return nn.Sequential(
        nn.Conv2d(1, 8, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * 4 * 4, args.hidden),
        nn.ReLU(),
        nn.Dropout(hp["dropout"]),
        nn.Linear(args.hidden, 10),
    )


def loss(model, batch):
    """What is minimised, as a scalar tensor. On the validation set its mean is `val_loss`."""
    images, labels = batch
    return F.cross_entropy(model(images), labels)


def metrics(model, batch):
    """What else to report; each is averaged over the validation set."""
    images, labels = batch
    return {"accuracy": (model(images).argmax(dim=1) == labels).float().mean()}


def read_digits():
    """Images (1797, 1, 8, 8) with pixels from 0 to 1, and labels (1797,), in a fixed random order.

    The file comes with scikit-learn. Importing scikit-learn takes longer than a training does here, and
    each trial is a process of its own, so the file is read without it. In the file the writers follow one
    another; shuffled, every part of the data has some digits of each.
    """
    package = Path(importlib.util.find_spec("sklearn").origin).parent
    table = np.loadtxt(package / "datasets" / "data" / "digits.csv.gz", delimiter=",", dtype=np.float32)
    order = torch.randperm(len(table), generator=torch.Generator().manual_seed(0))
    rows = torch.from_numpy(table)[order]
    return rows[:, :-1].reshape(-1, 1, 8, 8) / 16, rows[:, -1].long()
