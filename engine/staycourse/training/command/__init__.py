"""One attempt at a trial of a command task: a script in a process group of its own, read while it runs.

`attempt.CommandAttempt` is what a worker lives for in place of the training loop.
"""
