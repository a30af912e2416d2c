"""Data in many files: what is in them, in which order they are read, and the data set they make."""
