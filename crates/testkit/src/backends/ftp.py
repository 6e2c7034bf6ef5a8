# pyftpdlib, an FTP server in Python, with or without TLS.
# usage: ftp.py FOLDER ftp|ftps|lenient
import datetime, ipaddress, json, os, sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import ThreadedFTPServer

place, protocol = sys.argv[1], sys.argv[2]
data, proof = os.path.join(place, "data"), os.path.join(place, "certificate.pem")
os.makedirs(data)


def certificate():
    """A certificate of its own for the address of this machine, and its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test server")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    made = made.add_extension(address, False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with open(proof, "wb") as file:
        file.write(made.public_bytes(pem))
    with open(proof + ".key", "wb") as file:
        file.write(plain)


class Handler(TLS_FTPHandler if protocol == "ftps" else FTPHandler):
    authorizer = DummyAuthorizer()
    # A wrong password costs the next attempt three seconds otherwise.
    auth_failed_timeout = 0

    def ftp_LIST(self, path):
        """As vsftpd and others do: what is not there is listed as if it were empty."""
        if protocol == "lenient" and not os.path.exists(path):
            return self.push_dtp_data(b"", isproducer=False, cmd="LIST")
        return super().ftp_LIST(path)


Handler.authorizer.add_user("ann", "its own", data, perm="elr")
Handler.authorizer.add_anonymous(data, perm="elr")
if protocol == "ftps":
    certificate()
    Handler.certfile, Handler.keyfile = proof, proof + ".key"
    Handler.tls_control_required = Handler.tls_data_required = True

server = ThreadedFTPServer(("127.0.0.1", 0), Handler)
server.max_cons = 1000
host, port = server.address
ready = {"address": f"{host}:{port}", "user": "ann", "password": "its own", "folder": data}
print(json.dumps({**ready, "certificate": proof if protocol == "ftps" else None}), flush=True)
server.serve_forever(handle_exit=False)
