"""A trainer with subcommands and key=value arguments; it tells its results as Hugging Face's Trainer does."""

import json
import os
import sys

import torch
from torch import nn

DEFAULTS = {
    "optim.lr": 0.1,
    "optim.name": "sgd",
    "train.epochs": 5,
    "train.batch": 32,
    "model.width": 16,
    "seed": 0,
    "out": "out",
}


def settings(words):
    with open(os.path.join("conf", "base.json")) as file:
        values = {**DEFAULTS, **json.load(file)}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or key not in values:
            sys.exit(f"run.py: unknown argument {word!r}; known: {', '.join(sorted(values))}")
        values[key] = type(values[key])(text)
    return values


def spirals(count, seed):
    generator = torch.Generator().manual_seed(seed)
    radius = torch.rand(count, generator=generator)
    kind = torch.randint(0, 2, (count,), generator=generator)
    angle = 4 * radius + kind * torch.pi + 0.1 * torch.randn(count, generator=generator)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), kind


def fit(config):
    torch.manual_seed(config["seed"])
    inputs, kinds = spirals(600, 1)
    val_inputs, val_kinds = spirals(200, 2)
    model = nn.Sequential(nn.Linear(2, config["model.width"]), nn.Tanh(), nn.Linear(config["model.width"], 2))
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[config["optim.name"]]
    optimizer = kind(model.parameters(), lr=config["optim.lr"])
    epochs, batch = config["train.epochs"], config["train.batch"]
    for epoch in range(epochs):
        order = torch.randperm(len(inputs))
        for done, at in enumerate(range(0, len(inputs), batch), start=1):
            chosen = order[at : at + batch]
            loss = nn.functional.cross_entropy(model(inputs[chosen]), kinds[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            share = done * batch / len(inputs)
            bar = "#" * int(10 * share)
            sys.stderr.write(f"\r{epoch + 1}/{epochs} |{bar:<10}| {loss.item():.3f}")
        print({"loss": round(loss.item(), 4), "epoch": epoch + 0.5})
        with torch.no_grad():
            value = nn.functional.cross_entropy(model(val_inputs), val_kinds).item()
        print({"eval_loss": value, "eval_runtime": 0.01, "epoch": float(epoch + 1)})
    os.makedirs(config["out"], exist_ok=True)
    torch.save(model.state_dict(), os.path.join(config["out"], "weights.bin"))
    with open(os.path.join(config["out"], "config.json"), "w") as file:
        json.dump(config, file)
    print({"train_runtime": 1.0, "train_loss": 0.1, "epoch": float(epochs)})


def main():
    command, *words = sys.argv[1:] or ["help"]
    if command == "fit":
        fit(settings(words))
    elif command == "show":
        print(json.dumps(settings(words), indent=2))
    else:
        sys.exit("usage: run.py fit|show key=value ...")


if __name__ == "__main__":
    main()
