package import Testing

/// What a test waited for in vain.
package struct Overdue: Error, CustomStringConvertible {
    let what: String
    let limit: Duration
    let place: SourceLocation

    package var description: String { "\(self.place): waited \(self.limit) in vain for \(self.what)" }
}

/// Asks again and again until the answer is yes, where nothing tells of it by itself. Every wait of a test for
/// something that may never come goes through here.
///
/// - Parameter what: Named when it does not come.
/// - Throws: `Overdue` after five minutes, in the long tier after an hour.
package func eventually(
    _ what: @autoclosure () -> String, pause: Duration = .milliseconds(10),
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let limit: Duration = .seconds(TestRun.isFull ? 3600 : 300)
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw Overdue(what: what(), limit: limit, place: sourceLocation)
        }
        try await Task.sleep(for: pause)
    }
}
