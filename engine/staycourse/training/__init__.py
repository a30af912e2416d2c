"""PyTorch: one trial from its job to its end.

Public API:

- `worker.main(orders_fd, events_fd)`: the whole life of a worker, in a freshly forked process; never returns;
- `trial.Trial.prepare(job)` and `Trial.run(...)`: the same without pipes, for benchmarks and tests;
- `data.prepare(task, spec, seed)`: the split, the share and the parts of the data;
- `loading.Loader`: batches of a part, in the order of an epoch, from any batch on;
- `optimizers.build(task, model, setup)`, `optimizers.find(name)`: torch.optim by name;
- `checkpoint.Checkpoints(folder)`: two generations, hashed, verified on load.
"""
