import API
import Testing

@Suite struct LabelSelectorTests {
    private let labels = ["group": "eu", "role": "edge", "empty": ""]

    @Test(arguments: [
        ("", true), (" ", true), ("group=eu", true), ("group==eu", true), ("group = eu , role != origin", true),
        ("group=us", false), ("group!=eu", false), ("zone!=a", true), ("zone=a", false), ("empty=", true),
        ("role in (origin,edge)", true), ("role in (origin)", false), ("role notin (origin, hybrid)", true),
        ("role notin (edge)", false), ("zone notin (a)", true), ("group", true), ("!group", false), ("!zone", true),
        ("zone", false), ("group=eu,role in (edge),!zone", true), ("group=eu,role in (origin)", false),
    ])
    func `a selector means the labels it says`(text: String, isMatch: Bool) throws {
        #expect(try #require(LabelSelector(text)).matches(labels) == isMatch)
    }

    @Test(arguments: [
        "group===eu", "=eu", ",", "group=eu,", "role within (edge)", "role in edge", "role in (edge", "(edge)",
        "group=eu role=edge", "gr oup", "!", "group=e;u",
    ])
    func `what is no selector is refused`(text: String) { #expect(LabelSelector(text) == nil) }
}
