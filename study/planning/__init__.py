"""From what was asked for to a study that can begin, or one sentence saying why it cannot."""
