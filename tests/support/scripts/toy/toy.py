"""A script that tells of epochs without training anything, and misbehaves on request. The loss falls with each
epoch and is least for a learning rate of 0.1; the same flags give the same numbers."""

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time


def flags():
    parser = argparse.ArgumentParser(description="Tells of epochs.")
    parser.add_argument("--lr", type=float, default=0.01, help="learning rate")
    parser.add_argument("--size", type=int, default=8, help="batch size")
    parser.add_argument("--epochs", type=int, default=5, help="number of epochs")
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    parser.add_argument("--kind", choices=["plain", "fancy"], default="plain")
    parser.add_argument("--tied", action="store_true", help="tie the weights")
    parser.add_argument("--save", default="model.txt", help="where to save")
    parser.add_argument("--resume", help="a saved file to go on from")
    parser.add_argument("--subset", type=float, default=1.0)
    parser.add_argument("--no-val", action="store_true")
    parser.add_argument("--zero", action="store_true", help="count epochs from 0")
    parser.add_argument("--sleep", type=float, default=0.0, help="seconds an epoch takes")
    parser.add_argument("--save-after", type=float, default=0.0, help="seconds between telling and saving")
    parser.add_argument("--fail-at", type=int, default=0, help="the epoch in which to fail ...")
    parser.add_argument("--fail-above", type=float, default=0.0, help="... where lr is greater than this")
    parser.add_argument("--fail-flag", default="", help="... unless this file exists, which is made then")
    parser.add_argument(
        "--how", default="error", help="error, memory, disk, exit, kill, segv, nan, hang, quiet"
    )
    parser.add_argument("--plateau", type=int, default=10**9, help="the loss falls up to this epoch")
    parser.add_argument("--stubborn", action="store_true", help="ignore SIGTERM")
    parser.add_argument("--grumpy", action="store_true", help="leave with exit code 3 on SIGTERM")
    parser.add_argument(
        "--child", default="", help="start a process that outlives everything, write its pid here"
    )
    parser.add_argument("--litter", default="", help="a file to write in the working directory")
    parser.add_argument(
        "--metrics", action="store_true", help="write to STAYCOURSE_METRICS instead of printing"
    )
    return parser.parse_args()


def fail(args, epoch):
    if epoch != args.fail_at or args.lr <= args.fail_above or os.path.exists(args.fail_flag):
        return
    if args.fail_flag:
        open(args.fail_flag, "w").close()
    words = {
        "memory": "torch.OutOfMemoryError: CUDA out of memory.",
        "disk": "OSError: No space left on device",
    }
    if args.how in ("kill", "segv"):
        os.kill(os.getpid(), signal.SIGKILL if args.how == "kill" else signal.SIGSEGV)
    elif args.how == "hang":
        time.sleep(3600)
    elif args.how in ("exit", "quiet"):
        sys.exit(0)
    elif args.how != "nan":
        sys.exit(words.get(args.how, "RuntimeError: it was told to fail"))


def tell(args, epoch, loss):
    if args.metrics:
        with open(os.environ["STAYCOURSE_METRICS"], "a") as file:
            file.write(json.dumps({"epoch": epoch, "val_loss": loss}) + "\n")
    elif args.no_val:
        print(f"epoch {epoch} done")
    else:
        print(f"epoch {epoch} val_loss {loss:.6f}")


def main():
    args = flags()
    if args.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if args.grumpy:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    if args.child:
        child = subprocess.Popen(["sleep", "3600"], start_new_session=True)
        with open(args.child, "w") as file:
            file.write(str(child.pid))
    if args.litter:
        open(args.litter, "w").close()
    first = int(open(args.resume).read().split()[0]) + 1 if args.resume else 1
    print("from", first, "with", " ".join(sys.argv[1:]))
    for epoch in range(first, args.epochs + 1):
        time.sleep(args.sleep)
        fail(args, epoch)
        loss = (math.log10(args.lr) + 1) ** 2 + 1 / min(epoch, args.plateau) + 0.001 * (args.seed % 7)
        if epoch == args.fail_at and args.how == "nan":
            loss = math.nan
        if args.how != "quiet":
            tell(args, epoch - args.zero, loss)
        time.sleep(args.save_after)
        with open(args.save, "w") as file:
            file.write(f"{epoch} {loss:.6f}\n")


if __name__ == "__main__":
    main()
