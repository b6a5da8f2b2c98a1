import Observability
import Testing

@Suite struct CredentialsTests {
    @Test(arguments: [
        ("http://me:secret@host:5070/x", "http://(hidden)@host:5070/x"),
        ("mongodb://u:p@ss@db1,db2/millrace?a=b@c", "mongodb://(hidden)@db1,db2/millrace?a=b@c"),
        ("two: http://a:b@c http://d:e@f", "two: http://(hidden)@c http://(hidden)@f"),
        ("http://host/path@home", "http://host/path@home"),
        ("sqlite:./a@b.db", "sqlite:./a@b.db"),
        ("http://user@", "http://(hidden)@"),
        ("//", "//"),
        ("", ""),
    ])
    func `credentials in an address are hidden, the rest stays`(text: String, wanted: String) {
        #expect(text.withoutCredentials == wanted)
    }
}
