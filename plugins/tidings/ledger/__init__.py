"""The ledger: who we may reach, what was planned, sent, came back. One file a noun."""
