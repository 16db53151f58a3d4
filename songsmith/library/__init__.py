"""Songs that are kept, with every take that grew into them."""
