"""How code runs: the only place that knows threads from green threads from event loops."""
