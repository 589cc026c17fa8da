"""A plain profile of each user: an app to begin with, until one writes a model of one's own."""
