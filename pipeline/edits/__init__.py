"""What a person corrects: small entries beside the analysis, appended and never rewritten, undone by entries."""
