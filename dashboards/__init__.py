"""Pictures of studies, drawn from their records."""
