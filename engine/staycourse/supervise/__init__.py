"""The run in motion: the supervisor and the processes under it. Nothing here imports torch but the fork
server, in a process of its own."""
