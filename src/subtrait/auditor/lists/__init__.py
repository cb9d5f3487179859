"""What an audit looks for: trait lists that ship, those of users, and the questions they ask."""
