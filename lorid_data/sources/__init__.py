"""Where problems come from: one module or package a source, each with a `load`."""
