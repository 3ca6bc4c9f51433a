"""When a submission comes again. Pure."""
