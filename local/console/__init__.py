"""The console page of the local stack: send submissions, break and fix Clemta, and see each submission's history."""
