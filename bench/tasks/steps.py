"""Made-up images in ten classes, and a network whose step can be made as long as wanted."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset, TensorDataset


def add_arguments(parser):
    parser.add_argument("--samples", type=int, default=1500)
    parser.add_argument("--side", type=int, default=8, help="height and width of an image")
    parser.add_argument("--width", type=int, default=8, help="channels of the first layer")
    parser.add_argument("--one-by-one", type=int, default=0, help="1: samples can only be had singly")


class OneByOne(Dataset):
    """What most data sets are: a length, and one sample at a time."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


def dataset(args):
    drawn = torch.Generator().manual_seed(0)
    images = torch.rand(args.samples, 1, args.side, args.side, generator=drawn)
    labels = torch.randint(10, (args.samples,), generator=drawn)
    return OneByOne(images, labels) if args.one_by_one else TensorDataset(images, labels)


def model(args, hp):
    wide = 2 * args.width
    return nn.Sequential(
        nn.Conv2d(1, args.width, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(args.width, wide, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(wide * (args.side // 2) ** 2, 64),
        nn.ReLU(),
        nn.Dropout(hp["dropout"]),
        nn.Linear(64, 10),
    )


def loss(model, batch):
    images, labels = batch
    return F.cross_entropy(model(images), labels)


def metrics(model, batch):
    images, labels = batch
    return {"accuracy": (model(images).argmax(dim=1) == labels).float().mean()}
