"""A stand-in for Enterprise WeChat's servers and for people's phones.

It speaks the platform's API under `/cgi-bin`, pushes signed callbacks, and shows what arrives on
each person's phone under `/phones`. It knows nothing of the service that it is used to exercise,
and the service knows nothing of it: only tests, benchmarks and the demo import `sandbox.client`.
"""
