"""The network of `feeding.py`, for images in shard files: there is no dataset()."""

from feeding import loss, model

__all__ = ["add_arguments", "loss", "model"]


def add_arguments(parser):
    parser.add_argument("--side", type=int, default=32, help="height and width of an image")
    parser.add_argument("--width", type=int, default=8, help="channels of the first layer")
