package import ClusterModel
package import Domain
import Logging
import Synchronization
import Timebase

/// Answers of writes by `Idempotency-Key`, in the store: a request that is repeated, at this control plane or another, gets
/// the first one's answer and takes no effect again.
extension Coordinator {
    package struct AnswerLimits: Sendable {
        /// How long an answer is kept for whoever repeats the request.
        package var lifetime = Duration.seconds(600)
        /// A process that ends while it answers leaves its key taken for so long.
        package var answeringMax = Duration.seconds(60)
        /// Kept in the store; beyond it the oldest go.
        package var answersMax: Int
        /// Longer ones are not kept: no write of the API is answered with as much.
        package var bodyBytesMax = 256 << 10

        package init(answersMax: Int = 10_000) { self.answersMax = answersMax }
    }

    /// The right to answer the first request of its key.
    package struct AnswerTurn: Sendable {
        fileprivate let key: String
        fileprivate let requestDigest: String
        fileprivate let revision: Revision
    }

    package enum AnswerLookup: Sendable {
        case first(AnswerTurn)
        case repeated(AnswerRecord.Answer)
    }

    private enum Reservation {
        case made(AnswerTurn)
        case taken(AnswerRecord)
        case contested
    }

    /// Both are digests, so that no key is too long for a store.
    package func beginAnswer(key: String, requestDigest: String) async throws(Problem) -> AnswerLookup {
        try requireAnswering()
        let reservation: Reservation
        do throws(StoreError) {
            if answersWritten.load(ordering: .relaxed) >= answerLimits.answersMax { try await sweepAnswers() }
            reservation = try await reserve(key, requestDigest)
        } catch {
            throw failed(error)
        }
        switch reservation {
        case .made(let turn): return .first(turn)
        case .taken(let known): return try Self.repeated(known, requestDigest)
        case .contested: throw .unavailable("Others use the same Idempotency-Key. Try again shortly.")
        }
    }

    private func reserve(_ key: String, _ requestDigest: String) async throws(StoreError) -> Reservation {
        let reserved = AnswerRecord(requestDigest: requestDigest, endsAt: now + answerLimits.answeringMax)
        let body = try RecordCoding.encode(reserved)
        var ended: Revision?
        for _ in 0..<Self.attemptsMax {
            switch try await store.write(.answer, key, body: body, expecting: ended) {
            case .done(let revision):
                answersWritten.add(1, ordering: .relaxed)
                return .made(AnswerTurn(key: key, requestDigest: requestDigest, revision: revision))
            case .conflict(let winner):
                let known = try winner.map { record throws(StoreError) in
                    try RecordCoding.decode(AnswerRecord.self, from: record.body, key: key)
                }
                if let known, known.endsAt > now { return .taken(known) }
                ended = winner?.revision
            }
        }
        return .contested
    }

    private static func repeated(_ known: AnswerRecord, _ requestDigest: String) throws(Problem) -> AnswerLookup {
        guard known.requestDigest == requestDigest else {
            throw .unprocessable("This Idempotency-Key was used with another body. Use a new key.")
        }
        guard let answer = known.answer else {
            throw .conflict("A request with this Idempotency-Key is still being answered.")
        }
        return .repeated(answer)
    }

    /// Nil gives the key back, so that the request can be tried again under it.
    package func endAnswer(_ turn: AnswerTurn, with answer: AnswerRecord.Answer?) async {
        do throws(StoreError) {
            guard let answer, answer.body.utf8.count <= answerLimits.bodyBytesMax else {
                _ = try await store.delete(.answer, turn.key, expecting: turn.revision)
                return
            }
            let record = AnswerRecord(
                requestDigest: turn.requestDigest,
                answer: answer,
                endsAt: now + answerLimits.lifetime
            )
            let body = try RecordCoding.encode(record)
            _ = try await store.write(.answer, turn.key, body: body, expecting: turn.revision)
        } catch {
            // What was asked for is done. A repeated request is told to wait until the key is free again.
            logger.warning("An answer could not be kept for repeated requests", metadata: ["error": "\(error)"])
        }
    }

    /// Removes those that ended, and the oldest of too many. Several control planes may do so at once.
    package func sweepAnswers() async throws(StoreError) {
        answersWritten.store(0, ordering: .relaxed)
        let pageSize = 1000
        var kept: [(endsAt: WallTime, record: Record)] = []
        var cursor: String?
        while true {
            let page = try await store.list(.answer, after: cursor, limit: pageSize)
            for record in page {
                let endsAt = try? RecordCoding.decode(AnswerRecord.self, from: record.body, key: record.key).endsAt
                if let endsAt, endsAt > now {
                    kept.append((endsAt, Record(kind: .answer, key: record.key, revision: record.revision, body: [])))
                } else {
                    _ = try await store.delete(.answer, record.key, expecting: record.revision)
                }
            }
            guard page.count == pageSize, let last = page.last else { break }
            cursor = last.key
        }
        kept.sort { $0.endsAt < $1.endsAt }
        for (_, record) in kept.dropLast(answerLimits.answersMax) {
            _ = try await store.delete(.answer, record.key, expecting: record.revision)
        }
    }
}
