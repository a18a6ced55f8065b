"""Requests that the policy makes subject to approval: submission, steps, decisions, deadlines, outcome (D12).

The engine knows no kind of request. Each domain above registers its own in its manifest (`RequestKind`): what the
applicant says, whom and what that is about, which steps the policy asks for, what happens after the approval. A
request keeps the policy version and the steps of its submission (F57). The domain reports what the platform made of an
approved request (`finish_outcome`, F59).
"""
