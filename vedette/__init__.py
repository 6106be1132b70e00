"""The command line: one thin module a verb; composes the packages below and holds no logic of its own."""
