"""What people write to the app is answered (F170): 待办, a number, a name. Each domain knows its answers."""
