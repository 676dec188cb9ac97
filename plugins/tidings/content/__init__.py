"""What a message says: templates checked, compiled once per plan, rendered once per person."""
