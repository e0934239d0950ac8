"""A search through all that may become of a client: breadth first, over states that are told apart
by an abstraction.
"""
