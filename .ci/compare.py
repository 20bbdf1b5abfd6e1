#!/usr/bin/env python3
"""compare.py LIST RESULT.json...: which of the cases in LIST (`area/case` a line, sorted) pass no more, and which pass newly.

LIST only grows; `compare.py --update LIST RESULT.json...` adds the new ones. The last line counts the listed cases.
"""
import json
import sys


def main(args):
    update = args[:1] == ["--update"]
    path, *results = args[1:] if update else args
    ok = {}
    for result in results:
        with open(result) as f:
            for step in json.load(f)["results"]:
                case = "%s/%s" % (step["area"], step["case"])
                ok[case] = ok.get(case, True) and step["ok"]
    try:
        with open(path) as f:
            listed = [line.rstrip("\n") for line in f if line.strip()]
    except FileNotFoundError:
        listed = []
    passing = {case for case, good in ok.items() if good}
    lost = [case for case in listed if case not in passing]
    new = sorted(passing - set(listed))
    for case in lost:
        print("LOST %s: it is in %s and does not pass" % (case, path))
    if update:
        with open(path, "w") as f:
            f.writelines(case + "\n" for case in sorted(set(listed) | passing))
        print("%d cases added to %s" % (len(new), path))
    else:
        for case in new:
            print("NEW %s passes: add it to %s" % (case, path))
    print("%d of %d cases pass" % (len(passing), len(ok)))
    print("%d passed, %d failed" % (len(listed) - len(lost), len(lost)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
