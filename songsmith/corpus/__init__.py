"""Words in: fetching, importing, keeping and cleaning lyrics."""
