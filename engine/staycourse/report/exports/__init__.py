"""What a run knows, for other tools: one file a target. An export reads the run and writes elsewhere.

Each target has a function of the same form: `export(run, folder)` writes everything anew, and whatever an
earlier export of the same run has left there is replaced.
"""
