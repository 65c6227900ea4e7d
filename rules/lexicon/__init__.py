"""The words that people and the law use, as data: one table a language, and what an act does to an object."""
