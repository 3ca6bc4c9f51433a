"""`clemta-intake setup`: from AWS credentials to a stack that took a test sign-up."""
