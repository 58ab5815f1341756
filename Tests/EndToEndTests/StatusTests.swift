import TestSupport
import Testing

/// Every status of the contract that can be reached, and what comes with it.
@Suite struct StatusTests {
    @Test(
        "A body that isn't declared as JSON is refused with what to type",
        arguments: [
            "application/x-www-form-urlencoded", "text/plain", "application/json; charset=latin1",
            "multipart/form-data", "",
        ])
    func mediaType(type: String) throws {
        let server = try RunningServer()
        let before = try server.state()
        for (method, target) in [
            ("POST", "/v1/routes"), ("PUT", "/v1/routes/10.0.0.0/8"), ("POST", "/v1/transactions"),
            ("PATCH", "/v1/namespaces/default"),
        ] {
            let response = try server.client().request(
                method, target, headers: type.isEmpty ? [] : ["Content-Type: \(type)"],
                body: Array(#"{"dst":"10.0.0.0/8","dev":"a"}"#.utf8))
            #expect(response.status == 415)
            #expect(try response.problem()["detail"]?.string?.contains("use curl --json") == true)
        }
        #expect(try server.state() == before)
        // NDJSON is for routes only.
        let lines = try server.post("/v1/transactions", "{}\n", headers: ["Content-Type: application/x-ndjson"])
        #expect(lines.status == 415)
    }

    @Test("Media types are compared as HTTP says: parameters and case don't matter")
    func mediaTypeForms() throws {
        let server = try RunningServer()
        for (index, type) in [
            "Application/JSON", "application/json; charset=utf-8", "application/json;charset=\"UTF-8\"",
        ]
        .enumerated() {
            let response = try server.post(
                "/v1/routes", #"{"dst":"10.\#(index).0.0/16","dev":"a"}"#, headers: ["Content-Type: \(type)"])
            #expect(response.status == 201, "\(type)")
        }
    }

    @Test("A list that can be had in no acceptable form is 406; what is acceptable is sent")
    func notAcceptable() throws {
        let server = try RunningServer()
        for target in ["/v1/routes", "/v1/events"] {
            #expect(try server.get(target, headers: ["Accept: image/png"]).status == 406)
            #expect(try server.get("/v1/routes", headers: ["Accept: image/png, */*;q=0.1"]).status == 200)
        }
    }

    @Test("A precondition that doesn't hold is 412 and changes nothing; one that holds lets the write through")
    func conditions() throws {
        let server = try RunningServer()
        let route = #"{"dst":"10.0.0.0/8","dev":"a"}"#
        let path = "/v1/routes/10.0.0.0/8"
        func put(_ device: String, _ condition: String) throws -> TestResponse {
            try server.request("PUT", path, #"{"dev":"\#(device)"}"#, headers: [condition])
        }
        #expect(try put("a", "If-Match: \"1\"").status == 412)
        #expect(try server.post("/v1/routes", route, headers: ["If-None-Match: *"]).status == 201)
        #expect(try server.post("/v1/routes", route, headers: ["If-None-Match: *"]).status == 412)
        #expect(try put("b", "If-None-Match: *").status == 412)
        #expect(try put("b", "If-Match: \"1\"").status == 412)
        #expect(try put("b", "If-Match: \"7\"").header("ETag") == "\"8\"")
        let stale = try server.delete(path, headers: ["If-Match: \"7\""])
        #expect(stale.status == 412)
        #expect(try stale.problem()["code"] == .string("ESTALE"))
        #expect(try server.delete(path, headers: ["If-Match: \"8\""]).status == 204)
        #expect(try server.state()["seq"]?.number == 9)
    }

    @Test("Preconditions hold for namespaces and for each operation of a transaction")
    func otherConditions() throws {
        let server = try RunningServer()
        #expect(try server.request("PUT", "/v1/namespaces/a", "{}", headers: ["If-None-Match: *"]).status == 201)
        #expect(try server.request("PUT", "/v1/namespaces/a", "{}", headers: ["If-None-Match: *"]).status == 412)
        #expect(try server.request("PATCH", "/v1/namespaces/a", "{}", headers: ["If-Match: \"9\""]).status == 412)
        #expect(try server.delete("/v1/namespaces/a", headers: ["If-Match: \"9\""]).status == 412)
        #expect(try server.delete("/v1/namespaces/a", headers: ["If-Match: \"7\""]).status == 204)
        #expect(try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","dev":"a"}"#).status == 201)
        func transact(_ version: Int) throws -> TestResponse {
            try server.post(
                "/v1/transactions",
                """
                {"operations":[{"op":"add","kind":"route","value":{"dst":"10.\(version).0.0/16","dev":"a"}},
                {"op":"replace","kind":"route","value":{"dst":"10.0.0.0/8","dev":"b"},"if_match":\(version)}]}
                """)
        }
        #expect(try transact(18).status == 412)
        #expect(try server.state()["seq"]?.number == 19)
        #expect(try transact(19).status == 200)
    }

    @Test(
        "A condition that a request can't honour is refused, never ignored",
        arguments: [
            ("POST", "/v1/routes", #"[{"dst":"10.0.0.0/8","dev":"a"}]"#, "application/json"),
            ("POST", "/v1/routes", #"{"dst":"10.0.0.0/8","dev":"a"}"#, "application/x-ndjson"),
            ("POST", "/v1/transactions", #"{"operations":[]}"#, "application/json"),
            ("DELETE", "/v1/routes?all=1", nil, ""), ("DELETE", "/v1/routes/10.0.0.0/8", nil, "*"),
        ] as [(String, String, String?, String)])
    func conditionsOfMany(method: String, target: String, body: String?, type: String) throws {
        let server = try RunningServer()
        #expect(try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","dev":"b"}"#).status == 201)
        let before = try server.state()
        let condition = type == "*" ? "If-None-Match: *" : "If-Match: \"77\""
        let headers = [condition] + (body == nil ? [] : ["Content-Type: \(type)"])
        let response = try server.request(method, target, body, headers: headers)
        #expect([400, 422].contains(response.status), "\(response.text)")
        #expect(try server.state() == before)
    }

    @Test(
        "Conditions in other forms are refused",
        arguments: [
            ["If-Match: *"], ["If-Match: W/\"2\""], ["If-Match: 2"], ["If-Match: \"x\""], ["If-None-Match: \"2\""],
            ["If-Match: \"2\"", "If-None-Match: *"], ["If-Match: \"2\", \"3\""],
        ])
    func conditionForms(headers: [String]) throws {
        let server = try RunningServer()
        let response = try server.request("PUT", "/v1/routes/10.0.0.0/8", #"{"dev":"a"}"#, headers: headers)
        #expect([400, 412, 422].contains(response.status), "\(headers): \(response.text)")
        #expect(try server.state()["seq"]?.number == 6)
    }

    @Test("A body that is declared too large is refused before it is sent, one with too many rows at its end")
    func tooLarge() throws {
        let server = try RunningServer()
        let client = try server.client()
        try client.send(
            "POST /v1/routes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: 33554433\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.readResponse().status == 413)
        let row = #"{"dst":"default","dev":"a"}"#
        let rows = Array(repeating: row, count: 100_001).joined(separator: ",")
        let many = try server.post("/v1/routes?mode=replace", "[\(rows)]")
        #expect(many.status == 413)
        #expect(try many.problem()["detail"]?.string?.contains("x-ndjson") == true)
        #expect(try server.state()["seq"]?.number == 6)
        let most = try server.post("/v1/routes?mode=replace", "[\(rows.dropLast(row.utf8.count + 1))]")
        #expect(most.status == 200)
    }

    @Test("What can't be found is 404: resources, namespaces, routes")
    func notFound() throws {
        let server = try RunningServer()
        for target in [
            "/nothing", "/v1/", "/v1/nothing", "/v1/routes/", "/v1/routes/other", "/v1/routes/10.0.0.0/8/x",
            "/v1/routes/10.0.0.0/8", "/v1/namespaces/x", "/v1/routes/10.0.0.0/8?namespace=x", "//v1/routes",
        ] {
            let response = try server.get(target)
            #expect(response.status == 404, "\(target): \(response.text)")
            _ = try response.problem()
        }
        #expect(try server.post("/v1/routes?namespace=x", #"{"dst":"10.0.0.0/8","dev":"a"}"#).status == 404)
        #expect(try server.request("PATCH", "/v1/namespaces/x", "{}").status == 404)
        #expect(try server.delete("/v1/namespaces/x").status == 404)
    }

    @Test("The namespaces that fit are made; one more is 507, and the server is well")
    func namespaceLimit() throws {
        let server = try RunningServer()
        let client = try server.client()
        for number in 1..<4_096 {
            guard try client.request("PUT", "/v1/namespaces/n\(number)").status == 201 else {
                Issue.record("namespace \(number) was refused")
                return
            }
        }
        let response = try server.request("PUT", "/v1/namespaces/more")
        #expect(response.status == 507)
        #expect(try response.problem()["code"] == .string("ENOBUFS"))
        #expect(try server.delete("/v1/namespaces/n1").status == 204)
        #expect(try server.request("PUT", "/v1/namespaces/more").status == 201)
    }

    @Test("One filter more than allowed is 503 with a time to try again, unless a filter is free")
    func tooManyFilters() throws {
        let server = try RunningServer("--max-filters", "2")
        let first = try server.follow("?family=inet")
        let second = try server.follow("?family=inet6")
        #expect(first.head.status == 200 && second.head.status == 200)
        let third = try server.get("/v1/events?table=100&errors=status")
        #expect(third.status == 503)
        #expect(third.header("Retry-After") != nil)
        #expect(try third.problem()["reason"] == .string("too-many-filters"))
        let inBand = try server.follow("?table=100").frames(through: "error")
        #expect(inBand.count == 1)
        #expect(try server.follow("?family=inet&until=sync").frames(through: "sync").last?.event == "sync")
        first.client.close()
        #expect(eventually { (try? server.get("/v1/events?table=100&errors=status&until=sync").status) == 200 })
    }
}
