"""What travels between sensors, node and consumers: message types, topics, codec, frames, bus.

Imports nothing else of the project. Every other package speaks through the types defined here.
"""
