"""The company's working calendar (D14), and deadlines in working time.

Days come from the published holidays and are edited by people; timers computed from them move along. The hours of a
working day stand in the policy.
"""
