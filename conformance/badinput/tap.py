"""Counting and printing (TAP)."""


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def ok(self, good, claim, *shown):
        """One claim; `shown` is printed when it does not hold."""
        if good:
            self.passed += 1
        else:
            self.failed += 1
        print("%s %d - %s" % ("ok" if good else "not ok", self.passed + self.failed, claim), flush=True)
        for line in shown if not good else ():
            print("#   " + str(line)[:500], flush=True)
        return good

    def equal(self, given, wanted, claim):
        return self.ok(given == wanted, claim, "wanted %s" % (wanted,), "given  %s" % (given,))

    def end(self):
        print("%d passed, %d failed, 0 skipped" % (self.passed, self.failed), flush=True)
        return 1 if self.failed else 0
