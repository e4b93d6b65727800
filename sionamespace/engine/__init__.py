"""Engine.IO: client connections over long polling and WebSocket. The only place that knows
python-engineio and WebSocket."""
