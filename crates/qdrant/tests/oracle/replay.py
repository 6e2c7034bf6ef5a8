"""Does what a record of calls did again on Qdrant's own engine, and compares every answer.

Reads the record from standard input: a line of JSON for each call, with the method and the bytes
of request and answer in hex. Writes what differs, and how many answers were compared.
"""

import json
import os
import sys
import tempfile

import qdrant_edge as edge
from qdrant_client import grpc


# Nothing of it outlives this process: in memory, where there is such a folder.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


def value(of):
    kind = of.WhichOneof("kind")
    if kind == "list_value":
        return [value(one) for one in of.list_value.values]
    if kind == "struct_value":
        return {key: value(one) for key, one in of.struct_value.fields.items()}
    return None if kind in (None, "null_value") else getattr(of, kind)


def payload(of):
    return {key: value(one) for key, one in of.items()}


def match(of):
    kind = of.WhichOneof("match_value")
    if kind in ("keyword", "integer"):
        return edge.MatchValue(getattr(of, kind))
    if kind == "keywords":
        return edge.MatchAny(list(of.keywords.strings))
    if kind == "integers":
        return edge.MatchAny(list(of.integers.integers))
    raise ValueError(f"match by {kind}")


def within(of):
    bounds = {name: getattr(of, name) for name in ("lt", "lte", "gt", "gte") if of.HasField(name)}
    return edge.RangeFloat(**bounds)


def condition(of):
    kind = of.WhichOneof("condition_one_of")
    if kind == "field":
        field = of.field
        return edge.FieldCondition(
            key=field.key,
            match=match(field.match) if field.HasField("match") else None,
            range=within(field.range) if field.HasField("range") else None,
        )
    if kind == "has_id":
        return edge.HasIdCondition({one.uuid for one in of.has_id.has_id})
    if kind == "has_vector":
        return edge.HasVectorCondition(of.has_vector.has_vector)
    if kind == "filter":
        return wanted(of.filter)
    raise ValueError(f"condition {kind}")


def wanted(of):
    lists = {name: [condition(one) for one in getattr(of, name)] for name in ("must", "must_not", "should")}
    return edge.Filter(**{name: some for name, some in lists.items() if some})


def vector(of):
    if of.WhichOneof("vector") == "sparse":
        return edge.SparseVector(indices=list(of.sparse.indices), values=list(of.sparse.values))
    return list(of.dense.data)


def vectors(of):
    return {name: vector(one) for name, one in of.vectors.vectors.items()}


class Engine:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.shard = None
        self.config = None
        self.names = {}
        # The same points in a collection of their own, without those that were deleted.
        self.fresh = None
        self.compared = 0
        self.queries = 0
        self.problems = []

    def same(self, what, ours, theirs):
        self.compared += 1
        if ours != theirs:
            self.problems.append(f"{what}: the double {ours!r}, the engine {theirs!r}")

    def change(self, operation):
        self.shard.update(operation)
        self.fresh = None

    def swept(self):
        """The engine counts a point that was deleted among those that have a term until it gets
        round to sweeping; a double has nothing to sweep. So terms are weighed where nothing was
        ever deleted."""
        if self.fresh is None:
            there, after = self.shard.scroll(edge.ScrollRequest(limit=100_000, with_payload=True, with_vector=True))
            assert after is None
            # The shard before it is closed ahead of its folder's end.
            self.fresh_folder = tempfile.TemporaryDirectory(dir=MEMORY)
            self.fresh = edge.EdgeShard.create(self.fresh_folder.name, self.config)
            for operation in self.names.values():
                self.fresh.update(operation)
            points = [edge.Point(point.id, point.vector or {}, point.payload) for point in there]
            self.fresh.update(edge.UpdateOperation.upsert_points(points))
        return self.fresh

    # Collections.

    def create(self, asked, _):
        sparse = {
            name: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf if params.modifier == grpc.Idf else None)
            for name, params in asked.sparse_vectors_config.map.items()
        }
        self.config = edge.EdgeConfig(vectors={}, sparse_vectors=sparse, wal_enabled=False)
        self.shard = edge.EdgeShard.create(self.folder.name, self.config)

    def create_field_index(self, asked, _):
        params = asked.field_index_params
        if asked.field_type == grpc.FieldTypeKeyword:
            schema = edge.KeywordIndexParams(is_tenant=params.keyword_index_params.is_tenant)
        else:
            integer = params.integer_index_params
            schema = edge.IntegerIndexParams(lookup=integer.lookup, range=integer.range)
        self.change(edge.UpdateOperation.create_field_index(asked.field_name, schema))

    def create_vector_name(self, asked, _):
        name, size = asked.vector_name, asked.dense_config.size
        self.names[name] = edge.UpdateOperation.create_dense_vector(name, size, edge.Distance.Cosine)
        self.change(self.names[name])

    # Points.

    def upsert(self, asked, _):
        points = [edge.Point(one.id.uuid, vectors(one.vectors), payload(one.payload)) for one in asked.points]
        modes = {0: edge.UpdateMode.Upsert, 1: edge.UpdateMode.InsertOnly, 2: edge.UpdateMode.UpdateOnly}
        condition = wanted(asked.update_filter) if asked.HasField("update_filter") else None
        self.change(edge.UpdateOperation.upsert_points(points, condition, modes[asked.update_mode]))

    def delete(self, asked, _):
        self.change(edge.UpdateOperation.delete_points_by_filter(wanted(asked.points.filter)))

    def set_payload(self, asked, _):
        self.change(edge.UpdateOperation.set_payload_by_filter(wanted(asked.points_selector.filter), payload(asked.payload)))

    def update_vectors(self, asked, _):
        points = [edge.PointVectors(one.id.uuid, vectors(one.vectors)) for one in asked.points]
        self.change(edge.UpdateOperation.update_vectors(points))

    def delete_vectors(self, asked, _):
        names = list(asked.vectors.names)
        self.change(edge.UpdateOperation.delete_vectors_by_filter(wanted(asked.points_selector.filter), names))

    # Answers.

    def selected(self, asked, point):
        fields = asked.with_payload
        if fields.WhichOneof("selector_options") == "include":
            return {key: one for key, one in point.payload.items() if key in fields.include.fields}
        return point.payload

    def get(self, asked, said):
        there = self.shard.retrieve([one.uuid for one in asked.ids], with_payload=True, with_vector=False)
        theirs = {str(point.id): self.selected(asked, point) for point in there}
        self.same("get", {point.id.uuid: payload(point.payload) for point in said.result}, theirs)

    def scroll(self, asked, said):
        offset = asked.offset.uuid if asked.HasField("offset") else None
        request = edge.ScrollRequest(offset=offset, limit=asked.limit, filter=wanted(asked.filter), with_payload=True)
        there, after = self.shard.scroll(request)
        theirs = [(str(point.id), self.selected(asked, point)) for point in there], after and str(after)
        after = said.next_page_offset.uuid if said.HasField("next_page_offset") else None
        self.same("scroll", ([(point.id.uuid, payload(point.payload)) for point in said.result], after), theirs)

    def facet(self, asked, said):
        request = edge.FacetRequest(key=asked.key, limit=asked.limit, exact=asked.exact, filter=wanted(asked.filter))
        theirs = {hit.value: hit.count for hit in self.shard.facet(request).hits}
        ours = {getattr(hit.value, hit.value.WhichOneof("variant")): hit.count for hit in said.hits}
        self.same(f"facet of {asked.key}", ours, theirs)

    def query_batch(self, asked, said):
        for query, answer in zip(asked.query_points, said.result, strict=True):
            self.query(query, [(point.id.uuid, point.score) for point in answer.result])

    def query(self, asked, ours):
        nearest = asked.query.nearest
        if nearest.WhichOneof("variant") == "sparse":
            near = edge.SparseVector(indices=list(nearest.sparse.indices), values=list(nearest.sparse.values))
        else:
            near = list(nearest.dense.data)
        request = edge.QueryRequest(
            limit=asked.limit, query=edge.Query.Nearest(near, asked.using), filter=wanted(asked.filter)
        )
        answers = [(str(point.id), point.score) for point in self.shard.query(request)]
        theirs = answers
        if nearest.WhichOneof("variant") == "sparse":
            theirs = [(str(point.id), point.score) for point in self.swept().query(request)]
            if len(ours) < asked.limit:
                self.same("found by words", {id for id, _ in ours}, {id for id, _ in answers})
        self.queries += 1
        self.same("scores", len(ours), len(theirs))
        for (_, a), (_, b) in zip(ours, theirs):
            if abs(a - b) > 1e-4:
                self.problems.append(f"scores: the double {a}, the engine {b}")
                break
        # Equals at the end of a list that was cut may be others.
        last = ours[-1][1] if len(ours) == asked.limit else float("-inf")
        sure = lambda found: {id for id, score in found if score > last + 1e-4}
        self.same("found", sure(ours), sure(theirs))


MESSAGES = {
    "create": (grpc.CreateCollection, grpc.CollectionOperationResponse),
    "create_field_index": (grpc.CreateFieldIndexCollection, grpc.PointsOperationResponse),
    "create_vector_name": (grpc.CreateVectorNameRequest, grpc.PointsOperationResponse),
    "upsert": (grpc.UpsertPoints, grpc.PointsOperationResponse),
    "delete": (grpc.DeletePoints, grpc.PointsOperationResponse),
    "set_payload": (grpc.SetPayloadPoints, grpc.PointsOperationResponse),
    "update_vectors": (grpc.UpdatePointVectors, grpc.PointsOperationResponse),
    "delete_vectors": (grpc.DeletePointVectors, grpc.PointsOperationResponse),
    "get": (grpc.GetPoints, grpc.GetResponse),
    "scroll": (grpc.ScrollPoints, grpc.ScrollResponse),
    "facet": (grpc.FacetCounts, grpc.FacetResponse),
    "query_batch": (grpc.QueryBatchPoints, grpc.QueryBatchResponse),
}


UNTOLD = {"collections.collection_exists", "collections.get"}


def main():
    engine = Engine()
    for line in sys.stdin:
        call = json.loads(line)
        # The engine is one collection, and tells nothing about itself.
        if call["name"] in UNTOLD:
            continue
        name = call["name"].split(".")[1]
        asked, said = MESSAGES[name]
        asked = asked.FromString(bytes.fromhex(call["asked"]))
        said = said.FromString(bytes.fromhex(call["said"]))
        getattr(engine, name)(asked, said)
    summary = {"compared": engine.compared, "queries": engine.queries, "problems": engine.problems}
    json.dump(summary, sys.stdout)


main()
