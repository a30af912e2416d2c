"""The run on disk: its folder, its database, its ledger, its seal."""
