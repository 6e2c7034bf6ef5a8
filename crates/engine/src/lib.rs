//! Imports: walks, fingerprints, quarantine, removals; from a connector to an ingestor.
