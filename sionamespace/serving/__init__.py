"""Web servers, one for each mode, and how they are started and stopped."""
