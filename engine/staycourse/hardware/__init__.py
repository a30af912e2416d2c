"""What the machine offers and how loaded it is: GPUs through NVML, CPUs and memory through psutil.

No torch here, and nowhere else NVML: importing these modules stays cheap enough for the supervisor and the
command line.
"""
