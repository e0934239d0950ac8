"""Which rules of the RFCs the client keeps, and which tests show it."""
