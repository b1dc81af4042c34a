"""Celery: a doorbell in, one service call. The sentinel stands here too and knows no Celery."""
