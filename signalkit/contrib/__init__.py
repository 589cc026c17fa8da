"""What other packages are told, each module for one of them: none is needed."""
