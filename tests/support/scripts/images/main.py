"""An image classifier in the style of the MNIST example: it logs every N batches, and saves beside itself."""

from __future__ import print_function

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Subset, TensorDataset


class Net(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, 1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(8 * 9, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(x)), 2)
        return F.log_softmax(self.fc(self.dropout(torch.flatten(x, 1))), dim=1)


def train(args, model, device, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print(
                "Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.6f}".format(
                    epoch,
                    batch_idx * len(data),
                    len(loader.dataset),
                    100.0 * batch_idx / len(loader),
                    loss.item(),
                )
            )


def test(model, device, loader):
    model.eval()
    loss, correct = 0.0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data.to(device))
            loss += F.nll_loss(output, target.to(device), reduction="sum").item()
            correct += output.argmax(dim=1).eq(target.to(device)).sum().item()
    count = len(loader.dataset)
    print(
        "\nTest set: Average loss: {:.4f}, Accuracy: {}/{} ({:.1f}%)\n".format(
            loss / count, correct, count, 100.0 * correct / count
        )
    )


def loaders(args):
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(0, 10, (1800,), generator=generator)
    shapes = torch.randn(10, 1, 8, 8, generator=generator)
    images = shapes[target] + 1.5 * torch.randn(1800, 1, 8, 8, generator=generator)
    dataset = TensorDataset(images, target)
    order = torch.randperm(len(dataset), generator=generator).tolist()
    chosen = order[:1200] if not args.no_val else order
    chosen = chosen[: int(len(chosen) * args.subset)]
    train_loader = DataLoader(Subset(dataset, chosen), batch_size=args.batch_size, shuffle=True)
    return train_loader, None if args.no_val else DataLoader(Subset(dataset, order[1200:]), batch_size=500)


def main():
    parser = argparse.ArgumentParser(description="PyTorch images example")
    parser.add_argument(
        "--batch-size", type=int, default=64, metavar="N", help="input batch size for training"
    )
    parser.add_argument("--epochs", type=int, default=14, metavar="N", help="number of epochs to train")
    parser.add_argument("--lr", type=float, default=1.0, metavar="LR", help="learning rate (default: 1.0)")
    parser.add_argument("--gamma", type=float, default=0.7, metavar="M", help="learning rate step gamma")
    parser.add_argument("--optimizer", choices=["adadelta", "sgd"], default="adadelta")
    parser.add_argument("--momentum", type=float, default=0.0, help="momentum of SGD")
    parser.add_argument("--dropout", type=float, default=0.25)
    parser.add_argument("--no-cuda", action="store_true", help="disables CUDA training")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="random seed (default: 1)")
    parser.add_argument("--log-interval", type=int, default=10, metavar="N", help="how many batches to wait")
    parser.add_argument("--subset", type=float, default=1.0, help="share of the training data")
    parser.add_argument("--no-val", action="store_true", help="train on all the data")
    parser.add_argument("--resume", help="a checkpoint to go on from")
    parser.add_argument("--save", default="images_cnn.pt", help="where to save the checkpoint")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() and not args.no_cuda else "cpu")
    train_loader, test_loader = loaders(args)
    model = Net(args.dropout).to(device)
    if args.optimizer == "sgd":
        optimizer = optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)
    else:
        optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    first = 1
    if args.resume:
        saved = torch.load(args.resume)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        scheduler.load_state_dict(saved["scheduler"])
        torch.set_rng_state(saved["rng"])
        first = saved["epoch"] + 1
    for epoch in range(first, args.epochs + 1):
        train(args, model, device, train_loader, optimizer, epoch)
        if test_loader is not None:
            test(model, device, test_loader)
        scheduler.step()
        torch.save(
            {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "scheduler": scheduler.state_dict(),
                "rng": torch.get_rng_state(),
                "epoch": epoch,
            },
            args.save,
        )


if __name__ == "__main__":
    main()
