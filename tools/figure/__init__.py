"""The picture of the session's states that docs/states.md has: what they are, how it is drawn."""
