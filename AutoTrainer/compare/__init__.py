"""A checkout of upstream AUTOTRAINER held against this project."""
