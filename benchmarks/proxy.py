"""Runs a local proxy, nginx or HAProxy, in front of services in place of a load balancer."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import answers, free_port

STARTS_WITHIN = 10

CONFIGURATION = """
worker_processes 1;
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_body_buffer_size 1m;
  upstream services {{
{servers}
    keepalive 16;
  }}
  server {{
    listen 127.0.0.1:{port};
    keepalive_requests 1000000;
    location / {{
      proxy_pass http://services;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream error timeout http_503 non_idempotent;
      proxy_connect_timeout 1s;
    }}
  }}
}}
"""


@contextmanager
def proxied(nginx: str, folder: Path, ports: Sequence[int]) -> Iterator[str]:
    """Runs a proxy that balances requests over services on these loopback ports; yields its address."""
    port = free_port()
    servers = "\n".join(f"    server 127.0.0.1:{each} max_fails=0;" for each in ports)
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, servers=servers, port=port))
    command = [nginx, "-p", str(folder), "-c", str(configuration)]
    with started(command, port, folder / "nginx-error.log") as url:
        yield url


@contextmanager
def started(command: list[str], port: int, errors: Path) -> Iterator[str]:
    """Runs a proxy by a command until the context ends; yields its address."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        began = time.monotonic()
        url = f"http://127.0.0.1:{port}"
        while not answers(url + "/health"):
            if process.poll() is not None or time.monotonic() - began > STARTS_WITHIN:
                log_text = errors.read_text() if errors.exists() else ""
                raise RuntimeError(f"{command[0]} did not start: {log_text}")
        yield url
    finally:
        process.terminate()
        process.wait(10)
