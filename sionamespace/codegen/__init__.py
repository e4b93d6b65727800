"""Contracts for the front end, from the handlers of a server and the events that it declares."""
