"""Makes what roadmaps/distill.toml trains on: utterances of invented speakers, as spectra in many files, and
a teacher that has been trained on more of them than the files hold.

    python roadmaps/tasks/make_spectra.py

An utterance glides through a few vowels. Its spectrum has the formants of the vowel, moved by the length of
the speaker's vocal tract, on the harmonics of the speaker's pitch; a channel of its own tilts it, and noise
fills the valleys. All of it is drawn from the seed.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from distill import SpeakerNet
from safetensors.torch import save_file
from torch.nn import functional as F

# The first three formants of some vowels, in Hz: rounded textbook values for an adult.
VOWELS = np.array(
    [
        [280, 2250, 2900],
        [400, 2000, 2550],
        [550, 1770, 2490],
        [690, 1660, 2490],
        [710, 1100, 2540],
        [590, 880, 2540],
        [450, 1030, 2380],
        [310, 870, 2250],
    ],
    dtype=np.float32,
)
LOWEST_HZ, HIGHEST_HZ = 100.0, 4000.0
VOWELS_IN_UTTERANCE = 4


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "spectra")
    parser.add_argument("--speakers", type=int, default=24)
    parser.add_argument("--per-speaker", type=int, default=25, help="utterances of each in the files")
    parser.add_argument("--frames", type=int, default=32, help="frames of an utterance")
    parser.add_argument("--bands", type=int, default=20, help="frequency bands of a frame")
    parser.add_argument("--shards", type=int, default=8, help="files to spread the utterances over")
    parser.add_argument("--held-out", type=int, default=40, help="utterances of each for a last test")
    parser.add_argument("--teacher", default="teacher.safetensors", help="its file; '' for none")
    parser.add_argument("--teacher-per-speaker", type=int, default=200, help="utterances of each for it")
    parser.add_argument("--teacher-width", type=int, default=64)
    parser.add_argument("--teacher-epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(args.seed)
    voices = make_voices(random, args.speakers)
    features, speaker = utterances(random, voices, args.per_speaker, args)
    for number, rows in enumerate(np.array_split(np.arange(len(speaker)), args.shards)):
        np.savez(args.out / f"shard-{number:03}.npz", features=features[rows], speaker=speaker[rows])
    tested = utterances(random, voices, args.held_out, args)
    np.savez(args.out / "held-out.npz", features=tested[0], speaker=tested[1])
    if args.teacher:
        network = train(args, *utterances(random, voices, args.teacher_per_speaker, args))
        save_file(network.state_dict(), args.out / args.teacher)
        say(f"teacher: {100 * error(network, *tested):.1f}% of {len(tested[1])} held-out utterances wrong")
    say(f"{len(speaker)} utterances of {args.speakers} speakers in {args.shards} files: {args.out}")


def say(line):
    sys.stdout.write(f"{line}\n")


def make_voices(random, count):
    """Pitch in Hz, a factor for formants, their widths in Hz, and the fall of the source in dB an octave."""
    return {
        "pitch": 95 * 2 ** random.uniform(0, 1.2, count),
        "factor": random.normal(1.0, 0.12, (count, 3)),
        "widths": random.uniform(60, 160, (count, 3)),
        "fall": random.uniform(6, 12, count),
    }


def utterances(random, voices, each, args):
    """Log energies (utterances, frames, bands) as float32, and who speaks, in random order."""
    speaker = random.permutation(np.repeat(np.arange(args.speakers), each))
    made = [spectra(random, voices, part, args) for part in np.array_split(speaker, len(speaker) // 256 + 1)]
    return np.concatenate(made).astype(np.float32), speaker.astype(np.int64)


def spectra(random, voices, speaker, args):
    """The utterances of these speakers."""
    count, frames = len(speaker), args.frames
    hz = mel_spaced(args.bands)
    formants = glides(random, count, frames) * voices["factor"][speaker][:, None, :]
    widths = voices["widths"][speaker][:, None, None, :]
    distance = (hz[None, None, :, None] - formants[:, :, None, :]) / widths
    resonance = 20 * np.log10((1 / np.sqrt(1 + distance**2)).sum(axis=3) + 1e-3)
    tune = np.cumsum(random.normal(0, 0.01, (count, frames)), axis=1) + random.normal(0, 0.04, (count, 1))
    pitch = voices["pitch"][speaker][:, None] * 2**tune
    harmonics = 6 * np.cos(2 * np.pi * hz / pitch[:, :, None]) * np.exp(-hz / 1200)
    octaves = np.log2(hz / LOWEST_HZ)
    source = -voices["fall"][speaker][:, None] * octaves
    channel = random.normal(0, 2, (count, 1)) * octaves + random.normal(0, 6, (count, 1))
    clean = resonance + harmonics + (source + channel)[:, None, :]
    level = clean.mean(axis=(1, 2), keepdims=True) - random.uniform(6, 18, (count, 1, 1))
    noisy = np.logaddexp(clean / 4.34, level / 4.34) * 4.34 + random.normal(0, 2, clean.shape)
    return (noisy - noisy.mean(axis=(1, 2), keepdims=True)) / 10


def glides(random, count, frames):
    """Formants (utterances, frames, 3) in Hz, gliding from vowel to vowel."""
    targets = VOWELS[random.integers(len(VOWELS), size=(count, VOWELS_IN_UTTERANCE))]
    targets = targets * random.normal(1, 0.04, targets.shape)
    at = np.linspace(0, VOWELS_IN_UTTERANCE - 1.001, frames)
    begin, share = at.astype(int), (at % 1)[None, :, None]
    return targets[:, begin] * (1 - share) + targets[:, begin + 1] * share


def mel_spaced(bands):
    """Middles of the bands in Hz, evenly spaced on the mel scale."""
    low, high = (2595 * np.log10(1 + edge / 700) for edge in (LOWEST_HZ, HIGHEST_HZ))
    return 700 * (10 ** (np.linspace(low, high, bands) / 2595) - 1)


def train(args, features, speaker):
    """The teacher, with labels alone."""
    torch.manual_seed(args.seed)
    network = SpeakerNet(args.bands, args.teacher_width, args.speakers)
    features, speaker = torch.from_numpy(features), torch.from_numpy(speaker)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    steps = args.teacher_epochs * -(-len(speaker) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
    for _ in range(args.teacher_epochs):
        for rows in torch.randperm(len(speaker)).split(64):
            F.cross_entropy(network(features[rows]), speaker[rows]).backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    return network.eval()


def error(network, features, speaker):
    """The share of utterances whose speaker is not recognised."""
    with torch.no_grad():
        named = network(torch.from_numpy(features)).argmax(dim=1)
    return (named != torch.from_numpy(speaker)).float().mean().item()


if __name__ == "__main__":
    main()
