"""The workshop's screen: keys, colours and widgets over the studio."""
