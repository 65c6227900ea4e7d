"""The evidence that recognition hears, a file a kind; their order stands in ``rules.recognition``."""
