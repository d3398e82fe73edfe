"""Language models and embedders: at a provider, or embedded."""
