"""Requests to the kernel's routing tables as raw rtnetlink messages, so that the errno is seen that `ip` hides behind a text.

Source: include/uapi/linux/{netlink,rtnetlink,fib_rules,nexthop}.h.
"""

import ipaddress
import socket
import struct

NLM_F_REQUEST, NLM_F_ACK, NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 1, 4, 0x100, 0x200, 0x400, 0x800
NLM_F_DUMP = 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
# The words of `ip route` as flags (iproute2 ip/iproute.c, do_iproute).
VERBS = {
    "add": NLM_F_CREATE | NLM_F_EXCL, "replace": NLM_F_CREATE | NLM_F_REPLACE, "change": NLM_F_REPLACE,
    "append": NLM_F_CREATE | NLM_F_APPEND, "prepend": NLM_F_CREATE, "test": NLM_F_EXCL,
}
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE, RTM_NEWRULE, RTM_DELRULE = 24, 25, 26, 32, 33
RTM_NEWNEXTHOP, RTM_DELNEXTHOP, RTM_GETNEXTHOP = 104, 105, 106
TYPES = {"unicast": 1, "local": 2, "broadcast": 3, "anycast": 4, "multicast": 5, "blackhole": 6, "unreachable": 7,
         "prohibit": 8, "throw": 9}
SCOPES = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}
TABLES = {"main": 254, "local": 255, "default": 253}
FR_ACTIONS = {"table": 1, "goto": 2, "nop": 3, "blackhole": 6, "unreachable": 7, "prohibit": 8}
(RTA_DST, RTA_SRC, RTA_IIF, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_MULTIPATH, RTA_TABLE, RTA_MARK,
 RTA_VIA, RTA_UID, RTA_IP_PROTO, RTA_SPORT, RTA_DPORT, RTA_NH_ID) = (
    1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 25, 27, 28, 29, 30)
RTA_METRICS = 8
METRICS = {"lock": 1, "mtu": 2, "window": 3, "advmss": 8, "hoplimit": 10, "features": 12, "congestion": 16}
RTNH_F_ONLINK = 4
RTM_F_FIB_MATCH, RTM_F_LOOKUP_TABLE = 0x2000, 0x1000
(FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_GOTO, FRA_PRIORITY, FRA_FWMARK, FRA_SUPPRESS_PREFIXLEN, FRA_TABLE, FRA_FWMASK,
 FRA_OIFNAME, FRA_UID_RANGE, FRA_PROTOCOL, FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE) = (
    1, 2, 3, 4, 6, 10, 14, 15, 16, 17, 20, 21, 22, 23, 24)
FIB_RULE_INVERT = 2
NHA_ID, NHA_GROUP, NHA_BLACKHOLE, NHA_OIF, NHA_GATEWAY = 1, 2, 4, 5, 6
FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
PROTOCOLS = {"unspec": 0, "static": 4}


def attribute(kind, payload):
    padding = b"\0" * (-len(payload) % 4)
    return struct.pack("=HH", 4 + len(payload), kind) + payload + padding


def u32(kind, value):
    return attribute(kind, struct.pack("=I", value))


def name(kind, text):
    return attribute(kind, text.encode() + b"\0")


def packed(address):
    return ipaddress.ip_address(address).packed


def attributes(data):
    """The payload of each attribute in there, by its kind."""
    found = {}
    while len(data) >= 4:
        size, number = struct.unpack_from("=HH", data)
        found[number & 0x3FFF] = data[4:size]
        data = data[(size + 3) & ~3:]
    return found


def table_number(table):
    return TABLES.get(table) or int(table)


def metric(word, value):
    if word == "congestion":
        return name(METRICS[word], value)
    if word == "lock":
        value = sum(1 << METRICS[locked] for locked in value)
    return u32(METRICS[word], value)


class Rtnetlink:
    """A socket in the network namespace of the process that makes it."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.socket.bind((0, 0))
        self.number = 0

    def request(self, kind, flags, body):
        """The errno, 0 if there is none, and what the kernel answers with."""
        errno, answers = self.exchange(kind, NLM_F_ACK | flags, body)
        return errno, answers[-1] if answers else None

    def exchange(self, kind, flags, body):
        """The errno, 0 if there is none, and all that the kernel answers with."""
        self.number += 1
        header = struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | flags, self.number, 0)
        self.socket.send(header + body)
        answers = []
        while True:
            data = self.socket.recv(1 << 16)
            while len(data) >= 16:
                length, found, _, number, _ = struct.unpack_from("=IHHII", data)
                payload, data = data[16:length], data[(length + 3) & ~3:]
                if number != self.number:
                    continue
                if found in (NLMSG_ERROR, NLMSG_DONE):
                    return -struct.unpack_from("=i", payload)[0], answers
                answers.append(payload)

    # Routes

    def route(self, verb, route):
        if verb == "delete":
            return self.request(RTM_DELROUTE, 0, self.route_body(route, deletes=True))[0]
        return self.request(RTM_NEWROUTE, VERBS[verb], self.route_body(route))[0]

    def route_body(self, route, deletes=False):
        destination = ipaddress.ip_network(route["dst"])
        family = socket.AF_INET if destination.version == 4 else socket.AF_INET6
        table = table_number(route.get("table", "main"))
        # A deletion that doesn't say asks for none.
        scope = SCOPES[route.get("scope", "nowhere" if deletes and family == socket.AF_INET else "global")]
        kind = TYPES[route["type"]] if "type" in route else (0 if deletes else 1)
        protocol = 0 if deletes else 3
        flags = RTNH_F_ONLINK if "onlink" in route.get("flags", []) else 0
        body = struct.pack("=BBBBBBBBI", family, destination.prefixlen, 0, route.get("tos", 0),
                           table if table < 256 else 252, protocol, scope, kind, flags)
        body += u32(RTA_TABLE, table)
        if destination.prefixlen:
            body += attribute(RTA_DST, destination.network_address.packed)
        if "metric" in route:
            body += u32(RTA_PRIORITY, route["metric"])
        if "prefsrc" in route:
            body += attribute(RTA_PREFSRC, packed(route["prefsrc"]))
        if "nhid" in route:
            body += u32(RTA_NH_ID, route["nhid"])
        if "metrics" in route:
            body += attribute(RTA_METRICS, b"".join(metric(*item) for item in route["metrics"].items()))
        if "nexthops" in route:
            return body + attribute(RTA_MULTIPATH, b"".join(map(self.leg, route["nexthops"])))
        return body + self.hop(route) + (u32(RTA_OIF, self.index(route["dev"])) if "dev" in route else b"")

    def leg(self, leg):
        device = self.index(leg["dev"]) if "dev" in leg else 0
        flags = RTNH_F_ONLINK if "onlink" in leg.get("flags", []) else 0
        hop = self.hop(leg)
        return struct.pack("=HBBi", 8 + len(hop), flags, leg.get("weight", 1) - 1, device) + hop

    @staticmethod
    def hop(leg):
        if "via" in leg:
            address = ipaddress.ip_address(leg["via"]["host"])
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            return attribute(RTA_VIA, struct.pack("=H", family) + address.packed)
        return attribute(RTA_GATEWAY, packed(leg["gateway"])) if "gateway" in leg else b""

    @staticmethod
    def index(device):
        try:
            return socket.if_nametoindex(device)
        except OSError:
            return 9999

    # Nexthops

    def nexthop(self, verb, nexthop):
        if verb == "delete":
            body = struct.pack("=BBBBI", 0, 0, 0, 0, 0) + u32(NHA_ID, nexthop["id"])
            return self.request(RTM_DELNEXTHOP, 0, body)[0]
        return self.request(RTM_NEWNEXTHOP, VERBS[verb], self.nexthop_body(nexthop))[0]

    def nexthop_body(self, nexthop):
        family = FAMILIES.get(nexthop.get("family"))
        if family is None:
            # As `ip nexthop` fills it in: a group has none, else it is the gateway's.
            family = 0 if "group" in nexthop else FAMILIES["inet6" if ":" in nexthop.get("gateway", "") else "inet"]
        flags = RTNH_F_ONLINK if "onlink" in nexthop.get("flags", []) else 0
        body = struct.pack("=BBBBI", family, 0, PROTOCOLS[nexthop.get("protocol", "unspec")], 0, flags)
        if "id" in nexthop:
            body += u32(NHA_ID, nexthop["id"])
        if "group" in nexthop:
            members = [struct.pack("=IBBH", member["id"], member.get("weight", 1) - 1, 0, 0) for member in nexthop["group"]]
            body += attribute(NHA_GROUP, b"".join(members))
        if "blackhole" in nexthop:
            body += attribute(NHA_BLACKHOLE, b"")
        if "dev" in nexthop:
            body += u32(NHA_OIF, self.index(nexthop["dev"]))
        return body + (attribute(NHA_GATEWAY, packed(nexthop["gateway"])) if "gateway" in nexthop else b"")

    def nexthops(self):
        """In the words of fibd."""
        _, answers = self.exchange(RTM_GETNEXTHOP, NLM_F_DUMP, struct.pack("=BBBBI", 0, 0, 0, 0, 0))
        return [parsed_nexthop(answer) for answer in answers]

    # Rules

    def rule(self, verb, rule):
        version = 6 if rule.get("family") == "inet6" else 4
        prefixes = [ipaddress.ip_network(rule[end]) if end in rule else None for end in ("dst", "src")]
        action = "goto" if "goto" in rule else rule.get("action", "table")
        table = table_number(rule.get("table", "main")) if action == "table" else 0
        if verb == "delete" and not {"table", "goto", "action"} & rule.keys():
            action, table = None, 0
        body = struct.pack(
            "=BBBBBBBBI", socket.AF_INET if version == 4 else socket.AF_INET6,
            *[prefix.prefixlen if prefix else 0 for prefix in prefixes], rule.get("tos", 0),
            table if table < 256 else 252, 0, 0, FR_ACTIONS.get(action, 0), FIB_RULE_INVERT if rule.get("not") else 0)
        for kind, prefix in zip((FRA_DST, FRA_SRC), prefixes):
            if prefix and prefix.prefixlen:
                body += attribute(kind, prefix.network_address.packed)
        if table:
            body += u32(FRA_TABLE, table)
        for kind, field in ((FRA_PRIORITY, "priority"), (FRA_GOTO, "goto"), (FRA_FWMARK, "fwmark"),
                            (FRA_FWMASK, "fwmask"), (FRA_SUPPRESS_PREFIXLEN, "suppress_prefixlen")):
            if field in rule:
                body += u32(kind, rule[field])
        for kind, field in ((FRA_IIFNAME, "iif"), (FRA_OIFNAME, "oif")):
            if field in rule:
                body += name(kind, rule[field])
        if "uid_start" in rule:
            body += attribute(FRA_UID_RANGE, struct.pack("=II", rule["uid_start"], rule["uid_end"]))
        if "ipproto" in rule:
            body += attribute(FRA_IP_PROTO, struct.pack("=B", rule["ipproto"]))
        if "dport" in rule:
            body += attribute(FRA_DPORT_RANGE, struct.pack("=HH", rule["dport"], rule["dport"]))
        if verb == "delete":
            return self.request(RTM_DELRULE, 0, body)[0]
        return self.request(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, body)[0]

    # Lookups

    def lookup(self, query, matches):
        """The errno, or the answer's attributes: `matches` asks for the route (RTM_F_FIB_MATCH), else for the way."""
        destination = ipaddress.ip_address(query["dst"])
        family = socket.AF_INET if destination.version == 4 else socket.AF_INET6
        length = destination.max_prefixlen
        flags = RTM_F_LOOKUP_TABLE | (RTM_F_FIB_MATCH if matches else 0)
        source = "src" in query
        body = struct.pack("=BBBBBBBBI", family, length, length if source else 0, query.get("tos", 0), 0, 0, 0, 0, flags)
        body += attribute(RTA_DST, destination.packed)
        if source:
            body += attribute(RTA_SRC, packed(query["src"]))
        if "oif" in query:
            body += u32(RTA_OIF, self.index(query["oif"]))
        for kind, field in ((RTA_MARK, "mark"), (RTA_UID, "uid")):
            if field in query:
                body += u32(kind, query[field])
        if "ipproto" in query:
            body += attribute(RTA_IP_PROTO, struct.pack("=B", query["ipproto"]))
        if "dport" in query:
            body += attribute(RTA_DPORT, struct.pack(">H", query["dport"]))
        errno, answer = self.request(RTM_GETROUTE, 0, body)
        return errno, parsed(answer) if answer else None


def parsed(message):
    """What a route message says, in the words of fibd."""
    family, length, _, tos, table, _, scope, kind, _ = struct.unpack_from("=BBBBBBBBI", message)
    found = attributes(message[12:])
    zero = bytes(4 if family == socket.AF_INET else 16)
    answer = {
        "dst": f"{ipaddress.ip_address(found.get(RTA_DST, zero))}/{length}",
        "type": {number: text for text, number in TYPES.items()}.get(kind),
        "table": struct.unpack("=I", found[RTA_TABLE])[0] if RTA_TABLE in found else table,
        "metric": struct.unpack("=I", found[RTA_PRIORITY])[0] if RTA_PRIORITY in found else 0,
        "tos": tos, "scope": scope, "has_legs": RTA_MULTIPATH in found,
    }
    if RTA_NH_ID in found:
        answer["nhid"] = struct.unpack("=I", found[RTA_NH_ID])[0]
    if RTA_OIF in found:
        answer["dev"] = socket.if_indextoname(struct.unpack("=I", found[RTA_OIF])[0])
    if RTA_GATEWAY in found:
        answer["gateway"] = str(ipaddress.ip_address(found[RTA_GATEWAY]))
    if RTA_VIA in found:
        answer["gateway"] = str(ipaddress.ip_address(found[RTA_VIA][2:]))
    if RTA_PREFSRC in found:
        answer["prefsrc"] = str(ipaddress.ip_address(found[RTA_PREFSRC]))
    return answer


def parsed_nexthop(message):
    """What a nexthop message says, in the words of fibd."""
    family, _, protocol, _, flags = struct.unpack_from("=BBBBI", message)
    found = attributes(message[8:])
    answer = {"id": struct.unpack("=I", found[NHA_ID])[0]}
    for names, number, field in ((FAMILIES, family, "family"), (PROTOCOLS, protocol, "protocol")):
        answer |= {field: text for text, known in names.items() if known == number}
    if flags & RTNH_F_ONLINK:
        answer["flags"] = ["onlink"]
    if NHA_GROUP in found:
        answer["group"] = [{"id": member, "weight": (high << 8 | low) + 1}
                           for member, low, high, _ in struct.iter_unpack("=IBBH", found[NHA_GROUP])]
    if NHA_BLACKHOLE in found:
        answer["blackhole"] = True
    if NHA_OIF in found:
        answer["dev"] = socket.if_indextoname(struct.unpack("=I", found[NHA_OIF])[0])
    if NHA_GATEWAY in found:
        answer["gateway"] = str(ipaddress.ip_address(found[NHA_GATEWAY]))
    return answer
