"""What becomes of a leaver's groups, requests and tasks (policy 2.6, 4.5, 8.2).

`person.departed` starts one job per leaver. It runs the parts that the domains name in their manifests, stage by
stage. A part does its own work in its own transactions and finds nothing to do a second time, so the job may run again.
"""
