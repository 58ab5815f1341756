"""the whole table as JSON, beside `ip -json route show`"""
from bench.report import Figure


def measure(lab):
    table = lab.table("--family", "inet")
    with lab.fibd() as server:
        count = lab.load(server, table)["answer"]["accepted"]
        seconds = [lab.client("sse-client", server.address, "/v1/routes", "--drain")["seconds"] for _ in range(3)]
        yield Figure("list of the full IPv4 table", "routes/s", {"fibd": [count / s for s in seconds]})
