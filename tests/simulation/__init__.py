"""A clinic of thousands over forty days: people, carriers and faults at random, and a judge who reads the journal."""
