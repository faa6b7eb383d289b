"""Questions and answers between tasks: mailboxes, services, requests."""
