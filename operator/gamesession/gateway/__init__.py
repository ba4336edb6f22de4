"""The HTTP front: authentication, routing, holding, proxying, activity."""
