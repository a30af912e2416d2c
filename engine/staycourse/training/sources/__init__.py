"""Where batches come from: one file a data path. Which of them is taken never changes a batch."""
