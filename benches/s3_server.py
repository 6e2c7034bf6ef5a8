"""An S3 server (moto) that starts with a bucket already filled, without a request per object.

usage: s3_server.py PORT BUCKET [--folder DIR] [--keys COUNT]

--folder puts every file below DIR into the bucket under its relative path; --keys adds COUNT objects
of a few bytes, 1,000 to a folder. Prints "ready" when it listens.
"""

import argparse
import pathlib
import time

from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("port", type=int)
    arguments.add_argument("bucket")
    arguments.add_argument("--folder", type=pathlib.Path)
    arguments.add_argument("--keys", type=int, default=0)
    given = arguments.parse_args()

    backend = s3_backends["123456789012"]["aws"]
    backend.create_bucket(given.bucket, "us-east-1")
    if given.folder:
        for path in sorted(given.folder.rglob("*")):
            if path.is_file():
                backend.put_object(given.bucket, path.relative_to(given.folder).as_posix(), path.read_bytes())
    for number in range(given.keys):
        backend.put_object(given.bucket, f"archive/{number // 1000:04}/report-{number:07}.txt", b"report")

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=given.port, verbose=False)
    server.start()
    print("ready", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
