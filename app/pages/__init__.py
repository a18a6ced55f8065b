"""The frame of every page: who looks, what they may, how it is drawn, how a form acts once (D22).

`app/h5` and `app/console` stand in it: a page there loads, calls a service, and draws.
"""
