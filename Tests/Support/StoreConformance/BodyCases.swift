import Domain

extension StoreConformance {
    /// Bodies that a store which takes JSON apart gets wrong first.
    private static let oddBodies: [String] = [
        "{}",
        #"{"a":{},"b":[],"c":"","d":null,"e":true,"f":false}"#,
        #"{"max":9223372036854775807,"min":-9223372036854775808,"beyond32":2147483648,"beyond53":9007199254740993}"#,
        #"{"unsigned":18446744073709551615}"#,
        #"{"d":[0.1,-0.0,1.5e300,5e-324,1.7976931348623157e308,1e2,0.30000000000000004]}"#,
        #"{"edge1.example.org":1,"$set":2,"a.$.b":3,"$":4,".":5,"%":6,"%2E":7,"":8,"_id":9,"revision":10}"#,
        #"{"$ref":"x","$id":1,"$numberLong":"5","$date":{"$numberLong":"1"},"$binary":{"base64":"","subType":"00"}}"#,
        #"{"%n":"12","n":{"%n":"12"}}"#,
        #"{"text":"$$NOW","field":"$revision","array":["$a",{"b":"$c"}]}"#,
        #"{"escapes":"\" \\ \/ \b \f \n \r \t \u0000 \u001f \u00e9 \ud83d\ude00","nul\u0000key":1}"#,
        #"{"plain":"é ü 日本 😀 ‮","é":{"ü":"e\#u{301}"}}"#,
        #"{"deep":\#(String(repeating: "[", count: 40))1\#(String(repeating: "]", count: 40))}"#,
        #"{"objects":\#(String(repeating: #"{"o":"#, count: 40))1\#(String(repeating: "}", count: 40))}"#,
        #"{"mixed":[1,"two",3.5,[4],{"five":5},null,true,[]]}"#,
        " { \"blank\" :\t[ 1 ,\r\n 2 ] } ",
    ]

    static let bodies: [ConformanceCase] = [
        ConformanceCase(
            "a body comes back as it was, whatever JSON it is",
            on: { store in
                for (index, body) in oddBodies.enumerated() {
                    try await make(store, .app, "a\(index)", body)
                    try await checkRecord(store, .app, "a\(index)", revision: 1, body: body)
                    let update = try await store.write(
                        .app,
                        "a0",
                        body: json(body),
                        expecting: Revision(Int64(index + 1))
                    )
                    try check(update, .done(Revision(Int64(index + 2))), "the update with \(body)")
                    try await checkRecord(store, .app, "a0", revision: Int64(index + 2), body: body)
                }
            }
        ),
        ConformanceCase(
            "a large body comes back whole",
            on: { store in
                let lines = (0..<20_000).map { #""line \#($0) of a large body, with some text""# }
                let body = #"{"lines":[\#(lines.joined(separator: ","))]}"#
                try await make(store, .cluster, "large", body)
                try await checkRecord(store, .cluster, "large", revision: 1, body: body)
            }
        ),
    ]
}
