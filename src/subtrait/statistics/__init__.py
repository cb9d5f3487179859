"""How sure a number is: intervals and permutation tests whose unit of replication is the student, never the answer."""
