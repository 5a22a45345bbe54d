"""How to show it: pages, figures, tables. Nothing is measured here."""
