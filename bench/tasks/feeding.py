"""Images in memory, in small files, or in shard files, and a network that needs some time for a batch."""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset, TensorDataset


def add_arguments(parser):
    parser.add_argument("--folder", default="", help="PNG files, or none: images in memory")
    parser.add_argument("--samples", type=int, default=8192)
    parser.add_argument("--side", type=int, default=32, help="height and width of an image")
    parser.add_argument("--width", type=int, default=8, help="channels of the first layer")


class Pictures(Dataset):
    """One PNG file a sample, its class in its name."""

    def __init__(self, folder):
        self.paths = sorted(Path(folder).glob("*.png"))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        import numpy as np
        from PIL import Image

        with Image.open(self.paths[index]) as picture:
            image = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float().div_(255)
        return image, int(self.paths[index].name[-5])


def dataset(args):
    if args.folder:
        return Pictures(args.folder)
    drawn = torch.Generator().manual_seed(0)
    images = torch.rand(args.samples, 3, args.side, args.side, generator=drawn)
    return TensorDataset(images, torch.randint(10, (args.samples,), generator=drawn))


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
