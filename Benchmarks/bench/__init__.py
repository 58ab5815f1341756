"""What the rows share: running programs, the peers, and the report."""
