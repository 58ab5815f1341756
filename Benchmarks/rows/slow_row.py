"""a follower that reads 100,000 rows a second while the full table is imported"""
from bench.report import Fault, Figure, Goal


def measure(lab):
    table = lab.table("--shuffle")
    with lab.fibd() as server, lab.beside("sse-client", server.address, "/v1/events", "--pace", 100_000,
                                          "--seconds", 35) as follower:
        imported = lab.load(server, table)
        result = follower.result()
    yield Figure("resets during a full import", "resets", {"fibd": [result["resets"]]}, Goal(at_most=3),
                 note=f"the import took {imported['seconds']:.2f} s; {result['rows']} rows and {result['deltas']} changes "
                      f"were read in {result['seconds']:.0f} s, {result['syncs']} syncs")
    if result["gaps"] or result["errors"] or result["ended"]:
        yield Fault(f"a slow follower lost its place: {result}")
