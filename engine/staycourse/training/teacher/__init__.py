"""The teacher of a distillation, asked once a sample where that comes to the same as asking at every step."""
