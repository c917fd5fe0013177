"""The auditor's desk: what the trail tells, what is proven of it, and whether each matter kept its procedure."""
