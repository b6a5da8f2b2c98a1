/// `profile-level-id` of H.264 (RFC 6184 §8.1): profile_idc, profile-iop and level_idc in hexadecimal.
package struct H264ProfileLevel: Hashable, Sendable {
    /// The sub-profiles that profile_idc and the constraint bits tell apart (RFC 6184 table 5).
    package enum Profile: Hashable, Sendable, CaseIterable {
        case constrainedBaseline
        case baseline
        case main
        case extended
        case constrainedHigh
        case high
        case high10
        case high422
        case high444

        /// profile_idc and profile-iop as they are usually written.
        package var code: UInt16 {
            switch self {
            case .constrainedBaseline: 0x42E0
            case .baseline: 0x4200
            case .main: 0x4D00
            case .extended: 0x5800
            case .constrainedHigh: 0x640C
            case .high: 0x6400
            case .high10: 0x6E00
            case .high422: 0x7A00
            case .high444: 0xF400
            }
        }

        /// Which of two decoders is likelier to decode what neither promises to.
        var strength: Int {
            switch self {
            case .extended: 0
            case .baseline: 1
            case .constrainedBaseline: 2
            case .main: 3
            case .constrainedHigh: 4
            case .high: 5
            case .high10: 6
            case .high422: 7
            case .high444: 8
            }
        }

        /// The profiles whose decoders decode this one too (H.264 §A.2).
        var decodableAs: [Self] {
            switch self {
            case .constrainedBaseline:
                [
                    .constrainedBaseline, .baseline, .main, .constrainedHigh, .high, .extended, .high10, .high422,
                    .high444,
                ]
            case .baseline: [.baseline, .extended]
            case .main: [.main, .high, .high10, .high422, .high444]
            case .extended: [.extended]
            case .constrainedHigh: [.constrainedHigh, .high, .high10, .high422, .high444]
            case .high: [.high, .high10, .high422, .high444]
            case .high10: [.high10, .high422, .high444]
            case .high422: [.high422, .high444]
            case .high444: [.high444]
            }
        }
    }

    package var profile: Profile
    /// level_idc: ten times the level's number. Level 1b of the lower profiles is told from 1.1 by a constraint bit.
    package var level: UInt8

    package init(_ profile: Profile, level: UInt8) {
        self.profile = profile
        self.level = level
    }

    /// Baseline at level 1, which stands where nothing is said (RFC 6184 §8.1).
    package static let absent = Self(.baseline, level: 10)

    /// From the three octets, as they also stand in a sequence parameter set.
    package init?(profileIDC: UInt8, constraints: UInt8, level: UInt8) {
        guard let profile = Self.profile(idc: profileIDC, constraints: constraints) else { return nil }
        self.init(profile, level: level)
    }

    /// Nil for a profile that this table does not have.
    package init?(_ text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count >= 6, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
        let octet = { (pair: ArraySlice<UInt8>) in UInt8(String(decoding: pair, as: UTF8.self), radix: 16) ?? 0 }
        if digits.count == 6 {
            self.init(profileIDC: octet(digits[0..<2]), constraints: octet(digits[2..<4]), level: octet(digits[4..<6]))
        } else {
            // FFmpeg 8 writes a digit too many in the middle for constrained baseline; both ends are right.
            let idc = octet(digits[0..<2])
            self.init(profileIDC: idc, constraints: idc == 0x42 ? 0x40 : 0, level: octet(digits.suffix(2)))
        }
    }

    package var text: String {
        let value = UInt32(profile.code) << 8 | UInt32(level)
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 6 - digits.count) + digits
    }

    /// RFC 6184 table 5. constraint_set0…5 are the high bits; bits that do not choose a sub-profile are not looked at.
    private static func profile(idc: UInt8, constraints: UInt8) -> Profile? {
        let set = { (number: UInt8) in constraints >> (7 - number) & 1 == 1 }
        switch idc {
        case 0x42: return set(1) ? .constrainedBaseline : .baseline
        case 0x4D: return set(0) ? .constrainedBaseline : .main
        case 0x58: return set(1) ? (set(0) ? .constrainedBaseline : .extended) : (set(0) ? .baseline : .extended)
        case 0x64: return set(4) && set(5) ? .constrainedHigh : .high
        case 0x6E: return .high10
        case 0x7A: return .high422
        case 0xF4: return .high444
        default: return nil
        }
    }
}
