"""A driver from life to life of the server: it programs every first route it is told of, says so, and acknowledges.

It holds to: a registration that was answered is there, under the same id; what the server remembers was acknowledged; a
stream goes on there or before, so that changes may come again and none is left out; reports are taken, or are stale.
"""
import http.client
import json
import random
import threading
from typing import Any

from servers import PATIENCE, Client, Lost, Request, Server, Violation, check
from stream import frames

NAME = "crash-driver"
FILTER = {"kinds": ["route"], "hw_flags": "0"}


class Driver:
    """What it knows, whichever server it is connected to."""

    def __init__(self, seed: int):
        self.id = ""
        self.acknowledged = 0  # as answered by the server
        self.asked = 0  # the latest that may have been taken
        self.reports = self.stale = self.resumed = 0
        self.lots = random.Random(seed)

    def summary(self) -> str:
        return f"; {self.reports} reports of a driver, {self.stale} of them stale, {self.resumed} times resumed"

    def register(self, client: Client) -> dict[str, Any]:
        answer = client.get_any(f"/v1/listeners/{NAME}")
        if answer.status == 404:
            check(not self.id, f"listener {self.id}, whose registration was answered, is gone")
            body = json.dumps({"name": NAME, "role": "driver", "lease": None, "filter": FILTER})
            answer = client.send(Request("POST", "/v1/listeners", body))
            check(answer.status == 201, f"registering: {answer.status} {answer.text[:300]}")
        found: dict[str, Any] = answer.json
        check(self.id in ("", found["id"]), f"listener {self.id} is {found['id']} by now")
        check(found["acknowledged"] <= self.asked, f"acknowledged {found['acknowledged']}, but {self.asked} was asked for")
        self.id = found["id"]
        return found


class Driving(threading.Thread):
    """One connection of the driver, to the end of the server's life."""

    def __init__(self, driver: Driver, server: Server, fail: Any):
        super().__init__(daemon=True)
        self.driver, self.server, self.fail = driver, server, fail

    def run(self) -> None:
        try:
            with Client(self.server.address) as client:
                self.follow(client, self.driver.register(client))
        except (Lost, OSError, http.client.HTTPException) as error:
            if not self.server.killed:
                self.fail(NAME, error)
        except Exception as error:  # told by the main thread
            if not (self.server.killed and isinstance(error, Violation) and "had no answer" in str(error)):
                self.fail(NAME, error)

    def follow(self, client: Client, found: dict[str, Any]) -> None:
        stream = http.client.HTTPConnection(self.server.address, timeout=PATIENCE)
        try:
            stream.request("GET", f"{found['events']}?heartbeat=1", headers={"Accept": "text/event-stream"})
            response = stream.getresponse()
            check(response.status == 200, f"GET {found['events']}: {response.status}")
            latest, mode = found["acknowledged"], ""
            routes: list[dict[str, Any]] = []
            for event, cursor, data in frames(response):
                if event == "hello":
                    mode = data["mode"]
                    check(mode == "resume" or not latest, f"mode {mode} after {latest} was acknowledged: {data}")
                    self.driver.resumed += mode == "resume"
                elif event in ("error", "drain"):
                    check(self.server.killed, f"{event}: {data}")
                elif event == "route":
                    if data["op"] != "replay":
                        check(data["prev"] <= latest or mode == "replay" and not latest,
                              f"{data['seq']} follows {data['prev']}, the last here is {latest}")
                    if data["op"] != "delete":
                        routes.append({"route": data["entry"], "version": data["version"], "state": "offload"})
                if cursor:
                    latest = data["seq"]
                # Most lives are over before a whole replay has been reported a few routes at a time.
                if len(routes) >= (40 if latest else 400) or event == "sync":
                    self.report(client, routes, latest)
        finally:
            stream.close()

    def report(self, client: Client, routes: list[dict[str, Any]], latest: int) -> None:
        if routes:
            answer = client.send(Request("POST", f"/v1/listeners/{self.driver.id}/hardware", json.dumps(routes)))
            check(answer.status == 200, f"reports: {answer.status} {answer.text[:300]}")
            result = answer.json
            check(result["accepted"] + result["unchanged"] + result["stale"] == len(routes), f"reports: {answer.text[:500]}")
            self.driver.reports += len(routes)
            self.driver.stale += result["stale"]
            routes.clear()
        if latest and self.driver.lots.random() < 0.5:
            self.driver.asked = max(self.driver.asked, latest)
            answer = client.send(Request("PUT", f"/v1/listeners/{self.driver.id}/acknowledged", json.dumps({"seq": latest})))
            check(answer.status == 200, f"acknowledging {latest}: {answer.status} {answer.text[:300]}")
            self.driver.acknowledged = max(self.driver.acknowledged, latest)
