"""The demo shops: one built from real grocery receipts, one small enough to write as CSV anywhere."""
