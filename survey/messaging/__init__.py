"""The outside world: texts and mail, behind one small vocabulary of outcomes."""
