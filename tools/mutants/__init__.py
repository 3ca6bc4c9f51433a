"""`make mutants`: small changes of the core, each of which a unit test must notice."""
