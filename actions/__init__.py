"""What the action server loads: one action a module."""
