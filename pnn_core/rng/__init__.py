"""Random numbers: independent seeds for initialisation, masks and data order."""
