"""What each pane shows: pure functions from a frame to lines."""
