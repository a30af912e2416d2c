"""The parts of bench/view.py."""
