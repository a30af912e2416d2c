"""Distillation: a small network learns to tell speakers apart, from labels and from a larger network.

The features lie in many files (`[data] files` in the roadmap), so there is no dataset() here: a sample is a
row of each array, {"features": (frames, bands), "speaker": its number}. `make_spectra.py` makes a small set
of this kind; real features take its place by their paths.
"""

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F


def add_arguments(parser):
    """What is the same for every trial; `[task] args` in the roadmap sets it."""
    parser.add_argument("--features", default="spectra", help="folder of the feature files")
    parser.add_argument("--weights", default="spectra/teacher.safetensors", help="the teacher's")
    parser.add_argument("--bands", type=int, default=20, help="frequency bands of a frame")
    parser.add_argument("--speakers", type=int, default=24)
    parser.add_argument("--width", type=int, default=12, help="channels of the student")
    parser.add_argument("--teacher-width", type=int, default=64, help="channels of the teacher")


class SpeakerNet(nn.Module):
    """Features (samples, frames, bands) to one score a speaker: filters over time, then each channel's mean
    and deviation over the utterance."""

    def __init__(self, bands, width, speakers):
        super().__init__()
        self.filters = nn.Sequential(
            nn.Conv1d(bands, width, kernel_size=5, padding=2),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, kernel_size=3, padding=2, dilation=2),
            nn.BatchNorm1d(width),
            nn.ReLU(),
        )
        self.scores = nn.Linear(2 * width, speakers)

    def forward(self, features):
        filtered = self.filters(features.transpose(1, 2))
        return self.scores(torch.cat([filtered.mean(dim=2), filtered.std(dim=2)], dim=1))


def model(args):
    """The student."""
    return SpeakerNet(args.bands, args.width, args.speakers)


def teacher(args):
    """The network to learn from: the engine freezes it, and asks it once a sample where it can."""
    network = SpeakerNet(args.bands, args.teacher_width, args.speakers)
    network.load_state_dict(load_file(args.weights))
    return network


def loss(model, batch, hp, teacher, stage):
    """Between the labels and the teacher's softened scores (Hinton, Vinyals and Dean 2015, equation 4).

    On the validation set it is that of the labels alone: `alpha` and `temperature` change what a student
    aims at, and must not change what it is ranked by.
    """
    scores = model(batch["features"])
    hard = F.cross_entropy(scores, batch["speaker"])
    if stage == "validation":
        return hard
    temperature, alpha = hp["temperature"], hp["alpha"]
    aims = F.log_softmax(teacher(batch["features"]) / temperature, dim=1)
    said = F.log_softmax(scores / temperature, dim=1)
    soft = F.kl_div(said, aims, reduction="batchmean", log_target=True) * temperature**2
    return alpha * soft + (1 - alpha) * hard


def metrics(model, batch, teacher):
    """Errors against the labels, and how often student and teacher name the same speaker."""
    named = model(batch["features"]).argmax(dim=1)
    taught = teacher(batch["features"]).argmax(dim=1)
    return {
        "error": (named != batch["speaker"]).float().mean(),
        "agreement": (named == taught).float().mean(),
    }
