"""The entry point `decision-flow`: the core's commands plus `serve`."""

from __future__ import annotations

import dataclasses
import gc

import click

from decision_flow.cli import load_demo, main, upgrade
from decision_flow.command_line import open_database
from decision_flow.config import Settings


@main.command()
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--data", help="Data folder.")
@click.option("--demo/--no-demo", default=None, help="Load demo data into an empty database.")
@click.option("--no-worker", is_flag=True, help="Leave timers and notices to separate workers.")
@click.pass_obj
def serve(settings: Settings, port: int | None, data: str | None, demo: bool | None, no_worker: bool) -> None:
    """Serve the pages, with a worker inside unless told otherwise."""
    from waitress import create_server

    from decision_flow import first_run, operations, worker
    from web import create_app
    from web.observability import configure_logs

    given = {"port": port, "data_dir": data, "demo": demo}
    settings = Settings.of(
        {**dataclasses.asdict(settings), **{key: value for key, value in given.items() if value is not None}}
    )
    configure_logs(settings.log_format)
    database = open_database(settings)
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
    server = create_server(
        app,
        host=settings.host,
        port=settings.port,
        threads=settings.threads,
        clear_untrusted_proxy_headers=not settings.trusted_proxies,
    )
    kind = "web" if no_worker else "both"
    stop = worker.start(database, settings, app.extensions["decision_flow"]["files"], kind=kind)
    address = f"http://{settings.host}:{settings.port}"
    click.echo(f"已启动:{address}")
    if founding:
        click.echo(f"首次使用:请打开 {address}/first-run ,设置码 {first_run.setup_code(settings)}")
    # What was loaded until now stays: without looking at it again at every round, a request is cheaper by a tenth.
    gc.collect()
    gc.freeze()
    try:
        server.run()
    finally:
        stop()


if __name__ == "__main__":
    main()
