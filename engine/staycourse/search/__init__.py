"""The search for good set-ups: samplers and optimizers behind Nevergrad's ask and tell.

`request` says what is asked for; `process` answers requests over pipes in a process of its own; `repeatable`
says whether an optimizer can be rebuilt exactly. With this package `StaycourseBO`, which a roadmap calls
`bayes`, stands in Nevergrad's registry.
"""

from staycourse.search import bayes as bayes
