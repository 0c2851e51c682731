"""Pictures as SVG, whose colours are classes, for a strict policy allows no styles within a page; pure."""
