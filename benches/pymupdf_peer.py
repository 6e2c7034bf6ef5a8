"""A second opinion on PDF text: PyMuPDF. Reads paths from standard input, prints a JSON object each."""

import json
import sys
import time

import pymupdf

pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)
for line in sys.stdin:
    path = line.rstrip("\n")
    started = time.perf_counter()
    said = {"file": path}
    try:
        with pymupdf.open(path) as document:
            if document.needs_pass:
                raise ValueError("protected")
            said["text"] = "\n".join(page.get_text() for page in document)
    except Exception as error:  # a file it cannot read is a result
        said["error"] = str(error)
    said["ms"] = (time.perf_counter() - started) * 1000
    print(json.dumps(said), flush=True)
