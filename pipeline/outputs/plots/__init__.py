"""Pictures of an analysis for those who look: PNG for a slide, SVG to go on with."""
