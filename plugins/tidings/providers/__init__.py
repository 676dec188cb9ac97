"""Built-in providers: each carries a channel and knows only its protocol."""
