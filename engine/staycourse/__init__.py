"""staycourse: follows a sealed roadmap of hyperparameter tuning to its end."""

__version__ = "0.1.0"
