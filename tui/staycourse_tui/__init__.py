"""The full-screen view of a run. It reads through staycourse.client and writes nothing."""
