"""The models against figures that somebody else published: rows of a table, and the acceptance gates."""
