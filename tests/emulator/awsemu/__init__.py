"""AWS for tests: moto, with AWS's sense of time and refusal, and faults on request.

One process, one lock, one virtual clock. Behaviours that moto lacks live in one file per service; each says which fact it plays.
"""
