"""The messaging kernel: inboxes, outboxes, links, sources, targets, and who runs the next step."""
