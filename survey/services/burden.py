"""How many pages a version brings: a week and a night, with an interval, and how often such intervals were right."""
