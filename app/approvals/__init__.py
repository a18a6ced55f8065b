"""Requests that the policy makes subject to approval: submission, steps, decisions, deadlines, outcome (D12).

The engine knows no kind by itself. Each domain above registers its own (`RequestKind`): what the payload is, which
steps the policy asks for, what happens when it is approved. A request keeps the policy version and the steps it
began under (F57). What the platform made of an approved request is told back by the domain (`finish_outcome`, F59).
"""
