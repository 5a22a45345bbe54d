"""Networks, and parts of them, that methods share."""
