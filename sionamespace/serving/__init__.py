"""Web servers for the modes other than eventlet (see `sionamespace.run`)."""
