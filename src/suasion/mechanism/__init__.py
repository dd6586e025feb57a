"""Looking inside: where a model's activations lie, and which way a fine-tune moved it."""
