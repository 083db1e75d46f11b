"""What ties a framework's training to a session; each file knows one framework."""
