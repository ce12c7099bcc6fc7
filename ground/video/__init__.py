"""Videos in: containers decoded, folders of pictures read, frames with their true times."""
