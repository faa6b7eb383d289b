"""The messaging kernel: inboxes, outboxes, links, sources, targets, and the order of the steps."""
