"""The local stack: everything that runs the template on this machine, without Docker and without an AWS account.

stack: the command `make run`, `make up` and `make down`    processes: its services in the background
sam: builds    deploy: the deployment and its secrets    sources: its sources file    demo: the first sign-up
emulator: AWS (ministack with patches)    clemta: the stand-in for Clemta    console: the page
"""
