"""Procedures being drawn: from a draft to a version in force.

`drafts` who changes what, and that nothing is lost · `sources` where a draft begins · `archive` a bundle as one
file · `checking` the findings on a draft · `comparison` two bundles, element by element · `walking` a draft
played with pretended answers · `gate` what must be true before a draft is put in force, and doing it ·
`library` what the pages of procedures read.
"""
