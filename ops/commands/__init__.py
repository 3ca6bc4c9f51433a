"""The commands of `clemta-intake`: their arguments and output. The modules of ops do the work."""
