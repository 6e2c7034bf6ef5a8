"""The peer for searches: SQLite's FTS5 as it comes, with the tenant filtered beside the match.

usage: fts5_peer.py fill DB TEXTS | questions DB QUESTIONS | ask DB ORGANIZATION QUESTION

TEXTS and QUESTIONS are lines of organization, tab, text. `questions` prints one JSON object with the
milliseconds of each question; `ask` prints the best passage.
"""

import json
import re
import sqlite3
import sys
import time

FIND = ("SELECT texts.rowid, text FROM texts JOIN owners ON owners.rowid = texts.rowid "
        "WHERE texts MATCH ? AND organization = ? ORDER BY bm25(texts) LIMIT 10")


def lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\n").split("\t", 1)


def words(question):
    return " OR ".join(f'"{word}"' for word in re.findall(r"\w+", question))


def main():
    what, path, *rest = sys.argv[1:]
    db = sqlite3.connect(path)
    if what == "fill":
        db.execute("CREATE VIRTUAL TABLE texts USING fts5(text)")
        db.execute("CREATE TABLE owners (rowid INTEGER PRIMARY KEY, organization INTEGER)")
        for number, (organization, text) in enumerate(lines(rest[0]), 1):
            db.execute("INSERT INTO texts (rowid, text) VALUES (?, ?)", (number, text))
            db.execute("INSERT INTO owners VALUES (?, ?)", (number, int(organization)))
        db.commit()
        db.execute("INSERT INTO texts (texts) VALUES ('optimize')")
        db.commit()
    elif what == "questions":
        times, found = [], 0
        for organization, question in lines(rest[0]):
            started = time.perf_counter()
            found += len(db.execute(FIND, (words(question), int(organization))).fetchall())
            times.append((time.perf_counter() - started) * 1000)
        # As for the other side, the first tenth finds cold caches.
        print(json.dumps({"hits": found, "lexical": times[len(times) // 10:]}))
    else:
        for _, text in db.execute(FIND, (words(rest[1]), int(rest[0]))).fetchmany(1):
            print(text)


if __name__ == "__main__":
    main()
