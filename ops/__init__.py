"""The operator's command; never shipped to Lambda."""
