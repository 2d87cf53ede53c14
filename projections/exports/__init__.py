"""Exports of training rows: chat lines, preference pairs, Parquet, and the card that says what they are.

Every file is written whole or not at all, readable by its owner alone, and outside the vault.
"""
