# Starts one server for the tests of a run, says on one line of JSON where it is, and ends it
# as soon as the process of the run is gone.
# usage: guard.py KIND OWNER_PID FOLDER BIN
import json, os, re, shutil, signal, subprocess, sys, time

kind, owner, folder, bin = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
child = None


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
        child.kill()
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


def rclone():
    global child
    data = os.path.join(folder, "rclone")
    os.makedirs(data, exist_ok=True)
    command = [bin + "/rclone", "serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", "AKRC,SKRC", "--vfs-cache-mode", "off", "--config", "", data]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in child.stderr:
        sys.stderr.write(line)
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        if found:
            break
    else:
        sys.exit("rclone ended")
    import threading
    threading.Thread(target=lambda: [sys.stderr.write(line) for line in child.stderr], daemon=True).start()
    import boto3
    admin = {"id": "AKRC", "secret": "SKRC"}
    address = f"127.0.0.1:{found[1]}"
    boto3.client("s3", endpoint_url=f"http://{address}", aws_access_key_id="AKRC", aws_secret_access_key="SKRC", region_name="us-east-1").list_buckets()
    return {"address": address, "admin": admin, "limited": None}


signal.signal(signal.SIGTERM, finish)
birth = born(owner)
try:
    ready = rclone() if kind == "rclone" else moto(kind == "moto-auth")
    print(json.dumps(ready), flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    while alive():
        time.sleep(0.25)
finally:
    finish()
