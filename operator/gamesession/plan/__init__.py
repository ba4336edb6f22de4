"""What should happen: pure functions of objects and time. No I/O, no clock, no kopf."""
