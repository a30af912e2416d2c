"""Command tasks: a script that is driven through its own flags, checked, copied, and read.

None of it runs the script; `staycourse.training.command` does.
"""
