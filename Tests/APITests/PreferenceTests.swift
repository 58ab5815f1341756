import HTTPServer
import Testing

@testable import API

@Suite struct PreferenceTests {
    @Test(
        "A preferred wait is seconds; whatever else a Prefer field says is no preference, and does no harm",
        arguments: [
            ("wait=5", 5), ("Wait = 10", 10), ("respond-async, wait=\"3\"", 3), ("wait=0", 0), ("wait=7; foo", 7),
            ("return=minimal,\twait=2", 2), ("", nil), (";", nil), (",", nil), ("=", nil), ("wait", nil),
            ("wait=", nil),
            ("wait=;", nil), (";wait=5", nil), ("wait==5", nil), ("wait=-1", nil), ("wait=x", nil), ("\"", nil),
            ("wait=99999999999999999999", nil), ("wait=\"", nil), (" ; , = ; ", nil),
        ] as [(String, Int?)])
    func preferredWait(field: String, seconds: Int?) {
        var headers = HTTPHeaders()
        headers.add("Prefer", field)
        #expect(HTTPRequest(method: .put, path: "/", headers: headers).preferredWait == seconds)
    }
}
