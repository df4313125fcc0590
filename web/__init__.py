"""The HTTP faces: the public gateway, the staff console, and the widget the gateway serves."""
