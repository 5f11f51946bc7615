"""What became of one kind with one peer in one direction."""
from reasons import reason_of

YES, NO, NONE = "yes", "no", "–"


class Cell:
    def __init__(self, state, words=""):
        self.state, self.words = state, words

    def footnote(self):
        why = reason_of(self.words) if self.state == NO else None
        peer, _, said = self.words.partition(": ")
        if self.state == NO:
            return '%s: "%s": %s' % (peer, said, why or "not explained")
        return self.words
