"""Training makes artifacts (vectors, adapters); conditions apply them."""
