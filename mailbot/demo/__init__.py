"""The demo: sample mail for the four operators goes through the real daemon, between mail servers that live in this process.

``samples.toml`` says what is written and what must become of it, ``samples`` makes messages of it, ``servers`` are the mail servers,
``running`` runs the daemon between them and judges, ``showing`` prints. The people are invented; nothing leaves this machine.
"""
