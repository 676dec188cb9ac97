"""What a campaign caused: the people written to against the people held out."""
