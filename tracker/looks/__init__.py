"""What players look like, as evidence of who is who."""
