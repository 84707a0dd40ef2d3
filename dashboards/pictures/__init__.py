"""Pictures of studies: first what is shown (`get_…_info`), then how (`get_…_figure`)."""
