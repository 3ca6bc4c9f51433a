"""Who may send, how it is proven, how it is read. Pure."""
