"""Who customers are to us: what they will buy, what they are worth, and how far the relationship has come."""
