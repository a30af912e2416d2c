"""Recomputing a run: everything that its seal and its chain cover. `verify` is the entry."""

from staycourse.record.verification.verify import Verified, verify

__all__ = ["Verified", "verify"]
