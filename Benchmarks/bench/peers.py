"""The programs that fibd is compared with, each with the smallest configuration that does the work.

Every function is a context manager that gives a program with an `address`, and ends it. What isn't installed, or isn't
allowed here, raises `Missing`.
"""
import contextlib
import os
import shutil
import socket

from bench.lab import Missing, wait_for
from bench.report import Skipped


def need(program, package):
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not path:
        raise Missing(f"{program} isn't installed (apt-get install {package})")
    return path


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(address):
    host, port = address.split(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False


@contextlib.contextmanager
def listening(lab, port, *command):
    with lab.program(*command) as program:
        program.address = f"127.0.0.1:{port}"
        wait_for(f"{command[0]} to listen", lambda: answers(program.address) or program.poll() is not None)
        if program.poll() is not None:
            raise Missing(f"{command[0]} ends at once: {(program.home / 'errors').read_text()[-300:]}")
        yield program


@contextlib.contextmanager
def nchan(lab):
    """nginx with nchan, one worker: POST /pub publishes, GET /sub is an event stream."""
    nginx = need("nginx", "nginx-light libnginx-mod-nchan")
    module = "/usr/lib/nginx/modules/ngx_nchan_module.so"
    if not os.path.exists(module):
        raise Missing("nginx has no nchan (apt-get install libnginx-mod-nchan)")
    port, home = free_port(), lab.directory / "nchan"
    home.mkdir(exist_ok=True)
    (home / "nginx.conf").write_text(f"""
        load_module {module};
        user root;
        daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid nginx.pid; error_log error.log;
        events {{ worker_connections 16000; }}
        http {{
            access_log off; keepalive_requests 100000000;
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi; scgi_temp_path scgi;
            nchan_shared_memory_size 256M;
            server {{
                listen 127.0.0.1:{port} backlog=8192;
                location = /pub {{ nchan_publisher http; nchan_channel_id changes; nchan_message_buffer_length 1000; }}
                location = /sub {{ nchan_subscriber eventsource; nchan_channel_id changes;
                                   nchan_subscriber_first_message newest; }}
            }}
        }}""")
    with listening(lab, port, nginx, "-p", home, "-c", home / "nginx.conf", "-e", home / "error.log") as program:
        yield program


@contextlib.contextmanager
def redis(lab, limit="0 0 0"):
    """Redis that keeps nothing. The limit is how much it holds for a subscriber that doesn't read: at most, and for longer
    than so many seconds. Zeros are none."""
    port = free_port()
    with listening(lab, port, need("redis-server", "redis-server"), "--port", port, "--bind", "127.0.0.1", "--save", "",
                   "--appendonly", "no", "--maxclients", 15000,
                   "--client-output-buffer-limit", f"pubsub {limit}") as program:
        yield program


def etcd_if_there(lab, stack):
    """etcd until the stack closes, and nothing to report; or None and what to report instead."""
    try:
        return stack.enter_context(etcd(lab)), []
    except Missing as reason:
        return None, [Skipped("etcd", reason)]


@contextlib.contextmanager
def etcd(lab):
    """etcd with its data on disk, spoken to over its JSON gateway."""
    port, peer_port = free_port(), free_port()
    with listening(lab, port, need("etcd", "etcd-server"), "--data-dir", "data", "--log-level", "error",
                   "--listen-client-urls", f"http://127.0.0.1:{port}",
                   "--advertise-client-urls", f"http://127.0.0.1:{port}",
                   "--listen-peer-urls", f"http://127.0.0.1:{peer_port}",
                   "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer_port}",
                   "--initial-cluster", f"default=http://127.0.0.1:{peer_port}") as program:
        yield program
