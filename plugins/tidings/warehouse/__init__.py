"""The company's own tables, read only: source contract, base features, orders, person resolution."""
