"""Use cases: load, decide, swap, record. One public function is one intent and one transaction."""
