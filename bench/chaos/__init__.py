"""Sign-ups under every fault at once, on the deployed local stack. `python -m bench.chaos -n 500`, or `make chaos`.

Each of N people is reported one to three times, in parallel, by two sources. For each ten people, one more person is
updated five times in random order, and one contact is deleted by hand in Clemta before its person signs up again.
Meanwhile Clemta's stand-in injects every fault that it knows, DynamoDB, SQS and Secrets Manager fail too, and function
processes are killed. Then the faults end, the queues drain, and the dead letters are replayed. The run fails unless
Clemta holds exactly one contact for each person, as the newest event and the edits by hand left it.
"""
