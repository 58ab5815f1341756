"""What the writers of the crash tests write: every kind of write there is, drawn from a seed."""
import json
import random

from model import Space, Write
from servers import Request
from state import Key, State, address, namespace_hash, route_hash

BIG_IMPORT = 2_500  # of writer 0 now and then, so that what it flushes takes three runs


class Lots:
    """Draws the requests of one writer. Each has a gateway of its own, so that no two write the same bytes."""

    def __init__(self, space: Space, number: int, seed: int, import_size: int = 500):
        self.space, self.number, self.import_size = space, number, import_size
        self.random = random.Random(f"{seed} writer {number}")
        self.drawn = 0
        self.base = number << 16 | 10 << 24  # 10.<number>.0.0

    def gateway(self) -> str:
        self.drawn += 1
        return address((16 + self.number << 24) + self.drawn)

    def draw(self, state: State) -> Write:
        kinds = [self.put, self.delete, self.array, self.transaction, self.load, self.flush, self.space_of_its_own]
        while True:
            write = self.random.choices(kinds, [10, 4, 5, 5, 1, 2, 2])[0](state)
            if write:
                return write

    def keys(self, block: int, size: int, count: int) -> list[Key]:
        """Some keys below 10.<number>.<block>.0, in any order."""
        places = self.random.sample(range(size), count)
        return [Key("default", f"{address(self.base + (block << 8) + place)}/32") for place in places]

    def ack(self) -> str:
        return "applied" if self.random.random() < 0.15 else "durable"

    def put(self, _: State) -> Write:
        [key], gateway, ack = self.keys(0, 64, 1), self.gateway(), self.ack()
        request = Request("PUT", f"/v1/routes/{key.dst}?ack={ack}", json.dumps({"gateway": gateway}))
        return Write("put", request, [(key, route_hash(key, gateway))], gateway, is_applied=ack == "applied")

    def delete(self, state: State) -> Write | None:
        [key], ack = self.keys(0, 64, 1), self.ack()
        request = Request("DELETE", f"/v1/routes/{key.dst}?ack={ack}")
        return Write("delete", request, [(key, None)], is_applied=ack == "applied") if key in state else None

    def array(self, _: State) -> Write:
        keys, gateway, ack = self.keys(1, 128, 20), self.gateway(), self.ack()
        body = json.dumps([{"dst": key.dst, "gateway": gateway} for key in keys])
        changes = [(key, route_hash(key, gateway)) for key in keys]
        return Write("array", Request("POST", f"/v1/routes?mode=replace&ack={ack}", body), changes, gateway,
                     is_applied=ack == "applied")

    def transaction(self, state: State) -> Write:
        keys, gateway, ack = self.keys(2, 64, 10), self.gateway(), self.ack()
        operations, changes = [], []
        for place, key in enumerate(keys):
            goes = place and key in state and self.random.random() < 0.5
            value = {"dst": key.dst} if goes else {"dst": key.dst, "gateway": gateway}
            operations.append({"op": "delete" if goes else "replace", "kind": "route", "value": value})
            changes.append((key, None if goes else route_hash(key, gateway)))
        request = Request("POST", f"/v1/transactions?ack={ack}", json.dumps({"operations": operations}))
        return Write("transaction", request, changes, gateway, is_applied=ack == "applied")

    def load(self, _: State, namespace: str = "default") -> Write:
        """An import."""
        count = self.import_size if namespace == "default" else self.import_size // 3
        if self.number == 0 and namespace == "default" and self.random.random() < 0.3:
            count = BIG_IMPORT
        gateway = self.gateway()
        # Without replacement, and not more than the block has: a line changes its key once.
        keys = [Key(namespace, key.dst) for key in self.keys(16, max(count, 600), count)]
        lines = [f'{{"dst":"{key.dst}","gateway":"{gateway}"}}\n' for key in keys]
        request = Request("POST", f"/v1/routes?mode=replace&namespace={namespace}", "".join(lines), is_ndjson=True)
        return Write("import", request, [(key, route_hash(key, gateway)) for key in keys], gateway, is_whole=False,
                     is_numbered=False)

    def flush(self, state: State) -> Write | None:
        block = f"10.{self.number}.16.0/20"
        first, last = self.base + (16 << 8), self.base + (32 << 8)
        inside = {address(number) for number in range(first, last)}
        gone = [key for key in state if key.namespace == "default" and key.dst.removesuffix("/32") in inside]
        request = Request("DELETE", f"/v1/routes?within={block}&namespace=default")
        return Write("flush", request, [(key, None) for key in gone], is_numbered=False) if gone else None

    def space_of_its_own(self, state: State) -> Write:
        """Creates the writer's namespace, fills it, or removes it with all that is in it."""
        name = self.space.name
        root = Key(name, "")
        if root not in state:
            return Write("namespace", Request("PUT", f"/v1/namespaces/{name}"), [(root, namespace_hash(name))])
        if self.random.random() < 0.6:
            return self.load(state, name)
        gone = [key for key in state if key.namespace == name]
        return Write("namespace removal", Request("DELETE", f"/v1/namespaces/{name}"), [(key, None) for key in gone],
                     is_numbered=False)
