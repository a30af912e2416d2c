"""The network of `feeding.py`, for images in shard files: there is no dataset()."""

from torch import nn
from torch.nn import functional as F


def add_arguments(parser):
    parser.add_argument("--side", type=int, default=32, help="height and width of an image")
    parser.add_argument("--width", type=int, default=8, help="channels of the first layer")


def model(args, hp):
    wide = 2 * args.width
    return nn.Sequential(
        nn.Conv2d(3, args.width, kernel_size=3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(args.width, wide, kernel_size=3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(wide * (args.side // 4) ** 2, 10),
    )


def loss(model, batch):
    images, labels = (batch["image"], batch["label"]) if isinstance(batch, dict) else batch
    return F.cross_entropy(model(images), labels)
