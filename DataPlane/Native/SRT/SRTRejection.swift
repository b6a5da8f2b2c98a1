/// Why a caller is not let in, by the codes of the SRT access control guideline: HTTP's and 1000.
package struct SRTRejection: Hashable, Sendable, RawRepresentable {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let badRequest = SRTRejection(rawValue: 1400)
    package static let unauthorized = SRTRejection(rawValue: 1401)
    package static let overloaded = SRTRejection(rawValue: 1402)
    package static let forbidden = SRTRejection(rawValue: 1403)
    package static let notFound = SRTRejection(rawValue: 1404)
    package static let badMode = SRTRejection(rawValue: 1405)
    package static let conflict = SRTRejection(rawValue: 1409)
    package static let unsupportedMedia = SRTRejection(rawValue: 1415)
    package static let internalError = SRTRejection(rawValue: 1500)
    package static let unavailable = SRTRejection(rawValue: 1503)
}
