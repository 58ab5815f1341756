"""a follower that reads 100,000 rows a second while the full table is imported

Once with the log at its default size, and once with one that can't hold the import, so that the follower must begin anew.
"""
from bench.report import Fault, Figure, Goal


def follow(lab, *arguments):
    with lab.fibd(*arguments) as server, lab.beside("sse-client", server.address, "/v1/events", "--pace", 100_000,
                                                    "--seconds", 25) as follower:
        seconds = lab.load(server, lab.table("--shuffle"))["seconds"]
        return seconds, follower.result()


def measure(lab):
    for case, arguments in (("with the default log", []), ("with a log of 16 MiB", ["--log-bytes", str(16 << 20)])):
        seconds, result = follow(lab, *arguments)
        yield Figure(f"resets during a full import, {case}", "resets", {"fibd": [result["resets"]]}, Goal(at_most=3),
                     note=f"the import took {seconds:.2f} s; {result['rows']} rows and {result['deltas']} changes were read "
                          f"in {result['seconds']:.0f} s")
        if result["gaps"] or result["errors"] or result["ended"] or not result["synced"]:
            yield Fault(f"{case}, a slow follower lost its place: {result}")
