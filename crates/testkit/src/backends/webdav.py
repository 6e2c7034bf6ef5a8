# WsgiDAV, a WebDAV server in Python. It signs people in by digest as well as in the clear, as RFC 4918 asks.
# usage: webdav.py FOLDER
import json, os, sys

from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp

data = os.path.join(sys.argv[1], "data")
os.makedirs(data)
app = WsgiDAVApp({
    "provider_mapping": {"/": data},
    "http_authenticator": {"accept_basic": True, "accept_digest": True, "default_to_digest": False},
    "simple_dc": {"user_mapping": {"*": {"ann": {"password": "its own"}}}},
    # What is put next to it has no locks and no properties of its own.
    "lock_storage": True,
    "property_manager": True,
    "verbose": 1,
    "logging": {"enable": False},
})
server = wsgi.Server(("127.0.0.1", 0), app, numthreads=20)
server.prepare()
port = server.bind_addr[1]
print(json.dumps({"address": f"127.0.0.1:{port}", "user": "ann", "password": "its own", "folder": data}), flush=True)
server.serve()
