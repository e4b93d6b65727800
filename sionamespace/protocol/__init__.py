"""The protocols, pure: bytes in, frozen values out; no clock, no thread, no I/O."""
