"""The operator's page of a stack, on 127.0.0.1: sign-ups, what needs a person, sources, health.

desk: what the page shows and does    app: its HTTP interface    journal, history: sign-ups from log lines
review: dead letters and held ones by cause    chart: SVG    static/: the page itself, without a build step
"""
