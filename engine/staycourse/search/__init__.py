"""The search for good set-ups: samplers and optimizers behind Nevergrad's ask and tell.

`request` says what is asked for and imports no Nevergrad; `process` answers requests over pipes in a
process of its own; `repeatable` says whether an optimizer can be rebuilt exactly.
"""
