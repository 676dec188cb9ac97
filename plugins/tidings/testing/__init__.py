"""The kit for plugin authors: servers on loopback that misbehave on request, and a provider's contract."""
