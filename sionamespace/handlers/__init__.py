"""How a method becomes a handler, and how a handler is called."""
