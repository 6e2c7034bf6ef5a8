# OpenStack Swift: its proxy, and the three servers behind it on one disk, in one process. TempAuth signs in.
# usage: swift.py FOLDER
import json, os, sys

import eventlet

eventlet.monkey_patch()

place = sys.argv[1]
os.makedirs(place + "/disks/d1")
with open(place + "/swift.conf", "w") as file:
    file.write("[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = test\n")
    file.write("[storage-policy:0]\nname = only\ndefault = yes\n")

from swift.common import utils
from swift.common.utils import config

config.SWIFT_CONF_FILE = utils.SWIFT_CONF_FILE = place + "/swift.conf"

from eventlet import wsgi
from swift.common import ring, storage_policy
from swift.common.wsgi import SwiftHttpProtocol, loadapp
from swift.common.utils import NullLogger

utils.validate_hash_conf()
storage_policy.reload_storage_policies()
COMMON = f"swift_dir = {place}\ndevices = {place}/disks\nmount_check = false\nfallocate_reserve = 0\n"


class Cache:
    """In place of memcached, where TempAuth keeps its tokens. Nothing lapses."""

    def __init__(self):
        self.held = {}

    def get(self, key, **_):
        return self.held.get(key)

    def set(self, key, value, **_):
        self.held[key] = value

    def delete(self, key, **_):
        self.held.pop(key, None)

    def incr(self, key, delta=1, **_):
        self.held[key] = self.held.get(key, 0) + delta
        return self.held[key]


def serve(kind, port=0, **more):
    """Starts one of the four and gives its port; `more` are the parts of its configuration."""
    path = f"{place}/{kind}.conf"
    text = f"[DEFAULT]\n{COMMON}"
    for part, lines in more.items():
        text += f"[{part.replace('_', ':', 1)}]\n" + "\n".join(lines) + "\n"
    with open(path, "w") as file:
        file.write(text)
    sock = eventlet.listen(("127.0.0.1", port))
    inner, cache = loadapp(path), Cache()

    def app(request, respond):
        request["swift.cache"] = cache
        return inner(request, respond)

    eventlet.spawn(wsgi.server, sock, app, NullLogger(), protocol=SwiftHttpProtocol, custom_pool=eventlet.GreenPool(100), log_output=False, keepalive=True)
    return sock.getsockname()[1]


from swift.common.ring.builder import RingBuilder


def make_ring(name, port):
    builder = RingBuilder(4, 1, 0)
    device = {"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "d1", "weight": 1.0}
    builder.add_dev({**device, "replication_ip": "127.0.0.1", "replication_port": port, "meta": ""})
    builder.rebalance()
    builder.get_ring().save(f"{place}/{name}.ring.gz")


def behind(name):
    return {"pipeline_main": [f"pipeline = {name}-server"], f"app_{name}-server": [f"use = egg:swift#{name}"]}


# The rings name the ports, and the servers read the rings: the ports come first.
for name in ("account", "container", "object"):
    with eventlet.listen(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    make_ring(name, port)
    globals()[name] = port
for name in ("account", "container", "object"):
    serve(name, globals()[name], **behind(name))
steps = ["catch_errors", "listing_formats", "tempauth", "copy", "dlo", "slo"]
parts = {"pipeline_main": [f"pipeline = {' '.join(steps)} proxy-server"]}
parts.update((f"filter_{step}", [f"use = egg:swift#{step}"]) for step in steps)
parts["filter_tempauth"] = ["use = egg:swift#tempauth", "user_test_ann = own .admin"]
parts["app_proxy-server"] = ["use = egg:swift#proxy", "account_autocreate = true", "allow_account_management = true"]
port = serve("proxy", **parts)
print(json.dumps({"address": f"127.0.0.1:{port}", "user": "test:ann", "key": "own"}), flush=True)
eventlet.sleep(10**6)
