"""The commands of `clemta-intake`: what each takes and prints. What they do is in the modules of ops."""
