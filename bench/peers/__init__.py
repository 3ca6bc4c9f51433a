"""The alternatives, compared: Node-RED, n8n, and the reference handlers.

A webhook arrives, is mapped, is posted to Clemta's stand-in with the key, and is answered. The alternatives keep no
ledger, authenticate nothing and lose what fails; ours keeps every promise, with its ledger in the emulator's DynamoDB.
"""
