"""Full screens and the dialogs over them."""
