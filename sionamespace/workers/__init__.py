"""Several processes behind one port: who starts them, and how they hand clients to each other."""
