"""The peer for imports: unstructured-ingest, from a folder or from S3, in its fastest sensible setting.

usage: unstructured_peer.py local FOLDER WORK | s3 s3://BUCKET/ WORK ENDPOINT

Partitions on this machine with the strategy "fast", no chunking and no embedding, two processes, into a
local folder. Everything is loaded before the clock starts, so that its seconds are those of the work alone.
Prints one JSON line: documents written, documents that gave text, seconds, and the language model used.
"""

import importlib
import json
import logging
import multiprocessing
import os
import pathlib
import sys
import time

os.environ.update(DO_NOT_TRACK="true", SCARF_NO_ANALYTICS="true", UNSTRUCTURED_DISABLE_NOTICE="1")
for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
    os.environ.pop(name, None)


def model():
    """Its sentence model, if it is installed; else an empty one, which costs it less than the real."""
    import spacy
    import unstructured.nlp.tokenize as tokenize

    try:
        spacy.load("en_core_web_sm")
        return "en_core_web_sm"
    except OSError:
        blank = spacy.blank("en")
        blank.add_pipe("sentencizer")
        tokenize._load_spacy_model = lambda: blank
        return "blank, rule-based sentences"


def main():
    kind, source, work = sys.argv[1:4]
    work = pathlib.Path(work)
    logging.disable(logging.WARNING)
    # Loaded before the pipeline forks, so that each worker finds it there.
    used = model()
    for part in ("auto", "csv", "docx", "email", "html", "md", "pdf", "pptx", "text", "xlsx"):
        importlib.import_module(f"unstructured.partition.{part}")
    from unstructured_ingest.interfaces import ProcessorConfig
    from unstructured_ingest.pipeline.pipeline import Pipeline
    from unstructured_ingest.processes.connectors.local import (
        LocalConnectionConfig, LocalDownloaderConfig, LocalIndexerConfig, LocalUploaderConfig)
    from unstructured_ingest.processes.partitioner import PartitionerConfig

    if kind == "local":
        source_configs = dict(
            indexer_config=LocalIndexerConfig(input_path=source, recursive=True),
            downloader_config=LocalDownloaderConfig(),
            source_connection_config=LocalConnectionConfig(),
        )
    else:
        from unstructured_ingest.processes.connectors.fsspec.s3 import (
            S3AccessConfig, S3ConnectionConfig, S3DownloaderConfig, S3IndexerConfig)

        source_configs = dict(
            indexer_config=S3IndexerConfig(remote_url=source, recursive=True),
            downloader_config=S3DownloaderConfig(download_dir=str(work / "download")),
            source_connection_config=S3ConnectionConfig(
                access_config=S3AccessConfig(key="key", secret="secret"), endpoint_url=sys.argv[4]),
        )
    started = time.monotonic()
    Pipeline.from_configs(
        context=ProcessorConfig(work_dir=str(work / "work"), num_processes=multiprocessing.cpu_count(),
                                reprocess=True, raise_on_error=False),
        partitioner_config=PartitionerConfig(strategy="fast"),
        uploader_config=LocalUploaderConfig(output_dir=str(work / "out")),
        **source_configs,
    ).run()
    taken = time.monotonic() - started
    sizes = [path.stat().st_size for path in (work / "out").rglob("*.json")]
    print(json.dumps({"documents": len(sizes), "with_text": sum(size > 2 for size in sizes),
                      "seconds": taken, "model": used}))


if __name__ == "__main__":
    main()
