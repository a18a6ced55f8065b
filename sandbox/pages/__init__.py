"""What people look at: everybody's phone, the administrator's console, the list of endpoints.

Pages only show. Whatever is clicked on them goes through the scripting routes of `sandbox.control`,
so that everything a page can do, a script can do too.
"""
