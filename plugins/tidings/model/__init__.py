"""The nouns: frozen, validated, without input or output."""
