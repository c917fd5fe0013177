"""The entry point `decision-flow`: the core's commands plus `serve`."""

from __future__ import annotations

import dataclasses
import gc
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from decision_flow.cli import load_demo, main, upgrade
from decision_flow.command_line import open_database
from decision_flow.config import Settings
from decision_flow.errors import N_, Invalid


@main.command()
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--data", help="Data folder.")
@click.option("--demo/--no-demo", default=None, help="Load demo data into an empty database.")
@click.option("--no-worker", is_flag=True, help="Leave timers and notices to separate workers.")
@click.pass_obj
def serve(settings: Settings, port: int | None, data: str | None, demo: bool | None, no_worker: bool) -> None:
    """Serve the pages, with a worker inside unless told otherwise."""
    from waitress import create_server

    from decision_flow import first_run, logs, operations, worker
    from web import create_app

    given = {"port": port, "data_dir": data, "demo": demo}
    settings = Settings.of(
        {**dataclasses.asdict(settings), **{key: value for key, value in given.items() if value is not None}}
    )
    logs.configure(settings.log_format)
    with address_told(settings.host, settings.port):
        # Before anything is begun, for it may take a while.
        try_address(settings.host, settings.port)
    database = open_database(settings, newest=False)
    click.echo("正在准备数据库 …")
    upgrade(database)
    if settings.demo:
        click.echo("正在装入演示数据 …")
        load_demo(settings, database)
    with database.transaction() as session:
        operations.note_settings(session, settings)
    app = create_app(settings, database)
    with database.transaction(read_only=True) as session:
        founding = first_run.is_needed(session)
    # The proxy in front is trusted by number, in the application: the server must hand on what it says.
    sockets: dict[int, Any] = {}
    with address_told(settings.host, settings.port):
        server = create_server(
            app,
            map=sockets,
            host=settings.host,
            port=settings.port,
            threads=settings.threads,
            clear_untrusted_proxy_headers=not settings.trusted_proxies,
        )
    kind = "web" if no_worker else "both"
    stop = worker.start(database, settings, app.extensions["decision_flow"]["files"], kind=kind)
    address = f"http://{settings.host}:{settings.port}"
    click.echo(f"已启动：{address}")
    if founding:
        # Behind HTTPS the cookies do not come back to the process itself.
        found_at = settings.base_url.rstrip("/") or address
        click.echo(f"首次使用：请打开 {found_at}/first-run ，设置码 {first_run.setup_code(settings)}")
    # What was loaded until now stays: without looking at it again at every round, a request is cheaper by a tenth.
    gc.collect()
    gc.freeze()
    # What a request makes dies with it, nearly all by counting; looking for rings every 700 objects finds few.
    gc.set_threshold(10_000)
    try:
        run_until_told(server, sockets)
    finally:
        stop()


def try_address(host: str, port: int) -> None:
    """Raise `OSError` when no server could listen there."""
    for family, kind, proto, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind, proto) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)


@contextmanager
def address_told(host: str, port: int) -> Iterator[None]:
    """Turn an `OSError` within the block into the sentence that this address cannot be had."""
    try:
        yield
    except OSError as error:
        raise Invalid(
            N_("地址 %(host)s 的端口 %(port)s 不能使用（%(reason)s）。请停止占用它的程序，或者用 --port 换一个端口。"),
            host=host,
            port=port,
            reason=error.strerror,
        ) from error


def run_until_told(server: Any, sockets: dict[int, Any]) -> None:
    """Answer requests until SIGTERM or Ctrl-C; then take no more, finish what is being answered and send it.

    `sockets` is the map that the server was made with. What takes longer than five seconds is broken off, its
    transaction with it.
    """
    from waitress import wasyncore

    def told(*_: object) -> None:
        for one in list(sockets.values()):
            if getattr(one, "accepting", False):
                # Of the listening socket alone: the threads still wake the loop through the server's trigger.
                wasyncore.dispatcher.close(one)
        raise SystemExit

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, told)
    server.run()
    for _ in range(50):
        if not any(getattr(one, "total_outbufs_len", 0) for one in sockets.values()):
            return
        wasyncore.loop(timeout=0.1, map=sockets, count=1)


if __name__ == "__main__":
    main()
