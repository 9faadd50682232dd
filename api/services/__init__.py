"""What routes, pages and commands call: one service or question a module, under the reader's policy."""
