"""Ray cluster: connection, resources and what all workers share."""
